"""House rules that a reviewer would otherwise have to look for, each asked of the syntax tree."""

import ast
import re
from collections.abc import Callable, Iterator

import pytest

from tests.architecture.source import GATEWAY, File, files

# Where a rule does not hold, and why. May only shrink.
EXCEPTIONS = {
    ("states are assigned by shared.context.lifecycle only", "shared/context/lifecycle.py"),  # the one place
    ("commits are the edge's", "shared/database/pool.py"),  # the one place
    ("nobody reads the clock below the edge", "shared/values/clock.py"),  # the one place
    ("nobody reads the clock below the edge", "gateway/sandbox/actions.py"),  # sets a clock
}


COLUMN_TYPES = {
    "bigint", "bool", "boolean", "bytea", "date", "int", "integer", "json", "jsonb", "numeric", "smallint", "text",
    "timestamptz", "uuid",
}  # fmt: skip


def calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def floats(f: File) -> Iterator[int]:
    yield from (line for line, name in calls(f.tree) if name == "float")
    for node in ast.walk(f.tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            right = node.right
            if isinstance(right, ast.Constant) and right.value in (100, 100.0):
                yield node.lineno


def state_assignments(f: File) -> Iterator[int]:
    for node in ast.walk(f.tree):
        targets = (
            node.targets
            if isinstance(node, ast.Assign)
            else [node.target]
            if isinstance(node, ast.AugAssign | ast.AnnAssign)
            else []
        )
        for target in targets:
            if (
                isinstance(target, ast.Attribute)
                and target.attr == "state"
                and ast.unparse(target.value) != "self"
            ):
                yield node.lineno
    for line, name in calls(f.tree):
        if name == "setattr":
            call = next(n for n in ast.walk(f.tree) if isinstance(n, ast.Call) and n.lineno == line)
            if (
                len(call.args) > 1
                and isinstance(call.args[1], ast.Constant)
                and call.args[1].value == "state"
            ):
                yield line


def clock_readings(f: File) -> Iterator[int]:
    names = {
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "date.today",
        "utc_now",
        "clock.utc_now",
        "time.time",
    }
    yield from (
        line for line, name in calls(f.tree) if name in names or name.endswith((".utcnow", "datetime.now"))
    )


def commits(f: File) -> Iterator[int]:
    yield from (line for line, name in calls(f.tree) if name.split(".")[-1] in ("commit", "rollback"))


def prints(f: File) -> Iterator[int]:
    yield from (line for line, name in calls(f.tree) if name == "print")


def sleeps(f: File) -> Iterator[int]:
    yield from (line for line, name in calls(f.tree) if name == "time.sleep")


def broad_silence(f: File) -> Iterator[int]:
    """`except …: pass`: a failure that nobody will ever see."""
    for node in ast.walk(f.tree):
        if isinstance(node, ast.ExceptHandler) and all(isinstance(s, ast.Pass) for s in node.body):
            yield node.lineno


def strangers_cut_off(f: File) -> Iterator[int]:
    """Roles are the server's: who cuts off a role's connections cuts off those of the other worker's tests, too."""
    for node in ast.walk(f.tree):
        text = str(node.value) if isinstance(node, ast.Constant) else ""
        cuts = "pg_terminate_backend" in text and "pg_stat_activity" in text
        if cuts and "datname" not in text and "application_name" not in text:
            yield node.lineno


def rows_by_position(f: File) -> Iterator[int]:
    """Columns listed beside their types, or an object made of a row by place: `shared.database.table_sql` does both."""
    for node in ast.walk(f.tree):
        values = node.values if isinstance(node, ast.Dict) else getattr(node, "elts", [])
        texts = [v.value for v in values if isinstance(v, ast.Constant) and isinstance(v.value, str)]
        if len(texts) > 2 and len(texts) == len(values) and COLUMN_TYPES.issuperset(texts):
            yield node.lineno
        if isinstance(node, ast.Call):
            spread = [ast.unparse(a.value) for a in node.args if isinstance(a, ast.Starred)]
            if any(re.match(r"(row|record|columns)\b", text) for text in spread):
                yield node.lineno


def long_routes(f: File) -> Iterator[int]:
    """A route's body is at most three statements beside its docstring."""
    for node in f.functions():
        if node.decorator_list and any(ast.unparse(d).startswith("router.") for d in node.decorator_list):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if len(body) > 3:
                yield node.lineno


# Services whole, and the gateway's capabilities; the rest of the gateway is an edge.
BUSINESS = ("services", *(f"gateway/{name}" for name in GATEWAY.capabilities))
SERVING = ("services", "gateway", "shared")
RULES: dict[str, tuple[Callable[[File], Iterator[int]], tuple[str, ...], str]] = {
    "money is never a float": (floats, BUSINESS, ""),
    "states are assigned by shared.context.lifecycle only": (state_assignments, SERVING, ""),
    "nobody reads the clock below the edge": (clock_readings, BUSINESS, ""),
    "commits are the edge's": (commits, SERVING, ""),
    "nothing prints": (prints, SERVING, ""),
    "nobody blocks the event loop": (sleeps, ("services", "gateway"), ""),
    "no failure is swallowed": (broad_silence, ("services", "gateway", "shared", "deploy"), ""),
    "a test cuts off its own database's connections only": (strangers_cut_off, ("tests",), ""),
    "rows are written and read by name": (rows_by_position, ("services",), ""),
    "a route's body is short": (long_routes, ("services", "gateway"), "routes.py"),
}


@pytest.mark.parametrize("rule", RULES)
def test_the_house_rule_holds(rule: str):
    find, parts, only = RULES[rule]
    broken = [
        f"{f.name}:{line}"
        for f in files(*parts)
        if f.name.endswith(only) and (rule, f.name) not in EXCEPTIONS
        for line in find(f)
    ]

    assert broken == []
