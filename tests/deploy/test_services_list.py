"""The list of services is in one place; what else names services is made from it or says the same."""

import re
import tomllib

import pytest
import yaml

from deploy.cli.generate_deployment import (
    BEGIN,
    END,
    KUBERNETES,
    ROOT,
    NoMarks,
    deployment_files,
    processes,
    upstreams,
    with_services,
)
from deploy.run.settings import DeploySettings
from services.all import NAMES, SERVICES

DOCUMENTS = ("README.md", "ARCHITECTURE.md")


def test_what_deployments_know_of_the_services_is_up_to_date():
    wanted = dict(deployment_files())
    made = {p.relative_to(ROOT).as_posix() for p in (ROOT / KUBERNETES).rglob("*") if p.is_file()}

    assert made == {place for place in wanted if place.startswith(f"{KUBERNETES}/")}, "run `make docs`"
    assert [place for place, text in wanted.items() if (ROOT / place).read_text() != text] == [], (
        "run `make docs`"
    )


def test_every_folder_with_a_manifest_is_listed_under_its_name():
    folders = {manifest.parent.name for manifest in (ROOT / "services").glob("*/service.py")}

    assert set(NAMES) == folders, "services/all.py"
    assert [(s.name, s.package) for s in SERVICES] == [(name, f"services.{name}") for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_a_services_name_can_be_a_schema_a_host_and_a_command(name: str):
    assert re.fullmatch(r"[a-z][a-z0-9]{1,30}", name)
    assert name not in {"gateway", "bus", "public", "all", "migrate", "postgres", "rabbitmq", "secrets"}


def test_every_service_is_kept_from_knowing_the_others():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (independence,) = (contract for contract in contracts if contract["type"] == "independence")

    assert independence["modules"] == ["services.*"]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_documents_that_show_the_services_show_all_of_them(document: str):
    text = (ROOT / document).read_text()

    assert [name for name in NAMES if not re.search(rf"\b{name}\b", text)] == []


def test_a_further_service_reaches_every_deployment():
    files = dict(deployment_files((*NAMES, "laundry")))

    compose = yaml.safe_load(files["docker-compose.yml"])["services"]
    assert {"laundry-api", "laundry-worker"} <= compose.keys()
    assert "laundry-secrets:/run/secrets/own:ro" in compose["laundry-api"]["volumes"]
    assert "laundry-secrets:/secrets/laundry" in compose["secrets"]["volumes"]
    assert "laundry-secrets" in yaml.safe_load(files["docker-compose.yml"])["volumes"]
    assert "laundry-api" in compose["gateway"]["depends_on"]
    assert compose["gateway"]["environment"]["BACKOFFICE_UPSTREAMS"] == upstreams((*NAMES, "laundry"))
    assert {"laundry-api", "laundry-worker"} <= set(
        yaml.safe_load(files["deploy/otel/prometheus.yml"])["scrape_configs"][0]["dns_sd_configs"][0]["names"]
    )
    assert "laundry-worker: !reset null" in files["deploy/compose/small.yml"]
    assert "laundry" in yaml.safe_load(files[f"{KUBERNETES}/kustomization.yaml"])["resources"]
    assert f"{KUBERNETES}/laundry/kustomization.yaml" in files


def test_the_ways_to_the_services_are_what_the_gateway_reads():
    found = DeploySettings(upstreams=upstreams(NAMES)).upstream_urls()

    assert list(found) == list(NAMES)
    assert {url.removeprefix("http://").partition(":")[0] for url in found.values()} <= set(processes(NAMES))


def test_only_what_stands_between_the_marks_is_written():
    text = f"before\n  {BEGIN}\nold\n  {END}\nafter\n"

    assert with_services(text, [["new"]], place="x") == f"before\n  {BEGIN}\nnew\n  {END}\nafter\n"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("nothing\n", [["x"]]),
        (f"{BEGIN}\n", [["x"]]),
        (f"{BEGIN}\n{END}\n", [["x"], ["y"]]),
        (f"{BEGIN}\n{END}\n{BEGIN}\n{END}\n", [["x"]]),
        (f"{BEGIN}\n{BEGIN}\n{END}\n", [["x"], ["y"]]),
    ],
)
def test_a_file_with_other_marks_than_parts_is_refused(text: str, parts: list[list[str]]):
    with pytest.raises(NoMarks, match="some file"):
        with_services(text, parts, place="some file")
