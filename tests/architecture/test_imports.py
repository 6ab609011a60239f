"""Who may know whom: between services by import-linter, inside a capability by its layers."""

import re
import subprocess
import sys
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.architecture.source import PARTS, ROOT, File, capabilities, capability_files, files

LAYERS = [{"routes", "consumers"}, {"bulk"}, {"actions"}, {"queries"}, {"models", "schemas"}, {"rules"}]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
MAY_BE_SEEN = {"actions", "bulk", "queries", "rules", "schemas"}
CAPABILITIES = {tuple(folder.relative_to(ROOT).parts) for folder in capabilities()}


def test_the_contracts_of_import_linter_hold():
    lint = Path(sys.executable).with_name("lint-imports")

    run = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stdout + run.stderr


def place(module: str) -> tuple[str, str, str] | None:
    """Service, capability and file a module name leads to: `services.billing.invoices.actions.x`.

    The gateway is a service here, its capabilities those of its manifest: `gateway.tenants.actions`.
    """
    parts = tuple(module.split("."))
    depth = 2 if parts[0] == "gateway" else 3
    if parts[:depth] not in CAPABILITIES or len(parts) == depth:
        return None
    return parts[depth - 2], parts[depth - 1], parts[depth]


def crossings() -> list[tuple[File, tuple[str, str, str], tuple[str, str, str]]]:
    found = []
    for f in capability_files():
        here = place(f.module)
        if here is not None:
            found += [(f, here, there) for module in set(f.imports()) if (there := place(module)) is not None]
    return found


def test_inside_a_capability_imports_go_downwards():
    upwards = [
        f"{f.name} imports {there[2]}"
        for f, here, there in crossings()
        if here[:2] == there[:2] and RANK.get(here[2], -1) > RANK.get(there[2], 99)
    ]

    assert sorted(set(upwards)) == []


def test_sibling_capabilities_are_touched_through_actions_and_queries_only():
    inside = [
        f"{f.name} reaches into {'.'.join(there)}"
        for f, here, there in crossings()
        if here[0] == there[0] and here[1] != there[1] and there[2] in RANK and there[2] not in MAY_BE_SEEN
    ]

    assert sorted(set(inside)) == []


def test_sibling_capabilities_have_no_cycles():
    graph: dict[str, set[str]] = defaultdict(set)
    for _, here, there in crossings():
        if here[0] == there[0] and here[1] != there[1]:
            graph[f"{here[0]}.{here[1]}"].add(f"{there[0]}.{there[1]}")
    try:
        list(TopologicalSorter(graph).static_order())
        cycle = None
    except CycleError as error:
        cycle = error.args[1]

    assert cycle is None


def test_whatever_the_program_imports_is_among_what_it_is_installed_with():
    """`requirements.txt` is all that the image has; a library that only tests bring would be missed there."""
    locked = set(
        re.findall(r"^([A-Za-z0-9_.-]+)==", (ROOT / "requirements.txt").read_text(), flags=re.MULTILINE)
    )
    installed = {_folded(name) for name in locked}
    providers = packages_distributions()
    ours = {*PARTS, *sys.stdlib_module_names}

    missing = {
        f"{f.name} imports {top}"
        for f in files()
        for module in f.imports()
        if (top := module.split(".")[0]) not in ours
        and not installed.intersection(map(_folded, providers.get(top, ())))
    }

    assert missing == set()


def _folded(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
