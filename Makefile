# `make help` lists what there is. Every target sets up .venv first; when nothing changed that takes no time.
.DEFAULT_GOAL := help
.PHONY: help setup up demo check test docs bench chaos lock clean
VENV := .venv/bin
# Which Python makes .venv; empty: python3.11 if there, else python3. Other knobs: T (test), ARGS (demo, bench, chaos).
PYTHON ?=
T ?=
ARGS ?=
WORKERS ?= 2

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

setup: ## Create .venv and install the locked requirements
	@PYTHON='$(PYTHON)' sh scripts/bootstrap.sh

up: setup ## Run the whole suite on this machine, with its own PostgreSQL
	$(VENV)/backoffice up $(ARGS)

demo: setup ## Run the suite with a demonstration company's data (ARGS=...)
	$(VENV)/backoffice demo $(ARGS)

check: setup ## Format, lint, types, import rules, architecture tests
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .
	$(VENV)/mypy
	$(VENV)/lint-imports
	$(VENV)/python -m pytest tests/architecture

test: setup ## Run the tests on two workers (T=path for a part, WORKERS=n)
	$(VENV)/python -m pytest -n $(WORKERS) $(T)

docs: setup ## Regenerate from the code: docs/generated, and what deployments know of the services
	$(VENV)/python -m deploy.cli.generate_docs
	$(VENV)/python -m deploy.cli.generate_deployment

bench: setup ## Measure throughput and latency (ARGS=...)
	$(VENV)/python -m benchmarks $(ARGS)

chaos: setup ## Kill, pause, cut and restart everything under load, and check (ARGS="--rounds 50 --report FILE")
	$(VENV)/python -m tests.chaos $(ARGS)

lock: ## Recompile requirements*.txt from requirements*.in (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv: python3 -m pip install uv" >&2; exit 1; }
	uv pip compile -q --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 requirements.in -o requirements.txt
	uv pip compile -q --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 requirements-dev.in -o requirements-dev.txt

clean: ## Remove .venv and caches; data stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .schemathesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
