"""docs/adding-a-country.md, done as a stranger would: in a copy of the source, nothing changed outside the pack."""

import sys
from pathlib import Path

import pytest

from tests.deploy.guide import Tree, steps

pytestmark = pytest.mark.timeout(300)
EDITION = "services/payroll/packs/freedonia/editions/2026.json"
PYTEST = ("-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts=-q")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The source with the guide's files in it and their checksum written."""
    tree = Tree.copied_to(tmp_path_factory.mktemp("country") / "backoffice")
    for step in steps("adding-a-country.md"):
        step.apply(tree.path)
    tree.python("-m", "services.payroll.engine.editions", EDITION)
    return tree


def test_all_files_of_the_guide_are_in_the_packs_folder_and_its_tests():
    outside = [
        step.path
        for step in steps("adding-a-country.md")
        if not step.path.startswith(("services/payroll/packs/freedonia/", "tests/payroll/packs/freedonia/"))
    ]

    assert outside == []


def test_a_country_is_calculated_listed_and_documented(tree: Tree, admin_url: str):
    tests = (
        "tests/payroll/packs/freedonia",
        "tests/architecture/test_anatomy.py",
        "tests/architecture/test_imports.py",
    )

    passed = tree.python(*PYTEST, *tests, BACKOFFICE_TEST_DATABASE_URL=admin_url)
    listed = tree.python("-m", "deploy", "packs")
    for check in (("format", "--check", "."), ("check", ".")):
        tree.run(str(Path(sys.executable).with_name("ruff")), *check)

    assert "passed" in passed
    assert "freedonia" in listed
    assert "the employer's rate: read in a newspaper" in listed


def test_a_figure_changed_unnoticed_is_refused(tree: Tree):
    path = tree.path / EDITION
    kept = path.read_text()
    path.write_text(kept.replace('"0.10"', '"0.11"'))

    refused = tree.python("-m", "deploy", "packs", fails=True)

    path.write_text(kept)
    told = " ".join(refused.split())  # lines are as wide as a terminal
    assert "2026.json of pack freedonia is not what its checksum was made of" in told
