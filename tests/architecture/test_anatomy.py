"""Every capability has the same anatomy, and nothing grows past what a reader can hold."""

import ast

from tests.architecture.source import ROOT, Function, capabilities, files

ANATOMY = {"__init__", "rules", "models", "schemas", "queries", "actions", "bulk", "routes", "consumers"}
ALSO = {
    "services/billing/documents": None,  # renders paper: content, pdf, xml and what they are made of
    "services/billing/ledger": {"chart"},
    "services/payroll/engine": None,  # what a calculation is made of; pure values, no resource of its own
    "services/payroll/packs": None,  # a folder for each country
}
BELOW = ANATOMY - {"__init__"}  # a module that outgrows MAX_FILE becomes a folder of its name (ADR 0001)
MAX_FILE, MAX_FUNCTION = 300, 40


def test_a_capability_holds_only_files_of_the_anatomy():
    odd = []
    for folder in capabilities():
        also = ALSO.get(folder.relative_to(ROOT).as_posix(), set())
        if also is None:
            continue
        for path in folder.iterdir():
            allowed = ANATOMY | also if path.suffix == ".py" else BELOW | {"__pycache__"}
            if path.stem not in allowed:
                odd.append(path.relative_to(ROOT).as_posix())

    assert odd == []


def test_every_file_of_a_service_is_in_a_capability_or_the_services_own():
    own = {"__init__", "service", "settings", "base"}
    odd = [
        p.relative_to(ROOT).as_posix()
        for p in sorted((ROOT / "services").glob("*/*.py"))
        if p.stem not in own
    ]

    assert odd == []


def test_no_file_is_longer_than_300_lines():
    assert {f.name: n for f in files() if (n := f.text.count("\n")) > MAX_FILE} == {}


def test_no_function_is_longer_than_40_lines():
    long = {
        f"{f.name}:{n.name}": length
        for f in files()
        for n in f.functions()
        if (length := (n.end_lineno or 0) - n.lineno + 1 - _docstring_lines(n)) > MAX_FUNCTION
    }

    assert long == {}


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    has = (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )
    return (first.end_lineno or 0) - first.lineno + 1 if has else 0


def documented_methods() -> dict[tuple[str, str], set[str]]:
    """Per file and class: the methods that say what they mean, there or in what it inherits (found by name)."""
    own: dict[tuple[str, str], set[str]] = {}
    bases: dict[tuple[str, str], list[str]] = {}
    for f in files():
        for node in ast.walk(f.tree):
            if isinstance(node, ast.ClassDef):
                place = (f.name, node.name)
                own[place] = {m.name for m in node.body if isinstance(m, Function) and ast.get_docstring(m)}
                bases[place] = [ast.unparse(b).split(".")[-1].split("[")[0] for b in node.bases]
    named: dict[str, list[tuple[str, str]]] = {}
    for place in own:
        named.setdefault(place[1], []).append(place)

    def inherited(place: tuple[str, str], depth: int = 0) -> set[str]:
        above = (inherited(p, depth + 1) for b in bases[place] for p in named.get(b, ()) if depth < 10)
        return own[place].union(*above)

    return {place: inherited(place) for place in own}


def test_every_module_public_class_and_public_function_says_what_it_means():
    documented = documented_methods()
    silent = [f.name for f in files() if f.text.strip() and not ast.get_docstring(f.tree)]
    for f in files():
        for node in f.tree.body:
            if not isinstance(node, ast.ClassDef | Function) or node.name.startswith("_"):
                continue
            if not ast.get_docstring(node):
                silent.append(f"{f.name}:{node.name}")
            if isinstance(node, ast.ClassDef):
                methods = {
                    m.name
                    for m in node.body
                    if isinstance(m, Function) and not m.name.startswith("_") and not ast.get_docstring(m)
                }
                silent += [
                    f"{f.name}:{node.name}.{name}" for name in sorted(methods - documented[f.name, node.name])
                ]

    assert silent == []
