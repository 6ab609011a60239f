"""The models declare what the migrations create, and plain SQL meets them by name."""

import importlib
from dataclasses import MISSING, fields, make_dataclass
from typing import Any

import orjson
import pytest

from services.all import SERVICES
from shared.database.migrations import pending_differences
from shared.database.table_sql import TableSql
from shared.service.manifest import Service
from tests.architecture.source import files


@pytest.mark.parametrize("service", SERVICES, ids=[s.name for s in SERVICES])
async def test_models_and_migrations_agree(database_url: str, service: Service):
    assert await pending_differences(database_url, service.name, service.metadatas()) == []


def plain_sql() -> dict[str, TableSql[Any]]:
    """Every plain-SQL door of the services, by where it is made."""
    found: dict[int, tuple[str, TableSql[Any]]] = {}
    for f in files("services"):
        if "TableSql(" in f.text:
            module = importlib.import_module(f.module)
            for name, value in vars(module).items():
                if isinstance(value, TableSql):
                    found.setdefault(id(value), (f"{f.module}.{name}", value))
    return dict(found.values())


DOORS = plain_sql()


@pytest.mark.parametrize("name", DOORS)
def test_where_a_column_stands_in_its_declarations_does_not_matter(name: str):
    door = DOORS[name]
    turned = make_dataclass("Turned", [(column, object) for column in reversed(door.names)])
    other = TableSql(door.table, turned)
    stored = {column: f"{column}'s" for column in door.names if not door.types[column].startswith("json")}

    here = door.read([stored.get(column) for column in door.names])
    there = other.read([stored.get(column) for column in other.names])

    assert {column: getattr(here, column) for column in stored} == stored
    assert {column: getattr(there, column) for column in stored} == stored
    assert other.names == door.names[::-1]
    if "id" in stored:
        changed = [column for column in stored if column != "id"]
        assert (
            orjson.loads(door.json([here], changed)) == orjson.loads(other.json([there], changed)) == [stored]
        )


def test_every_needed_field_of_a_row_is_a_column_or_has_a_default():
    """Else reading it would fail only when it is first read."""
    lacking = {
        f"{name}.{field.name}"
        for name, door in DOORS.items()
        for field in fields(door.row)
        if field.name not in door.names and field.default is MISSING and field.default_factory is MISSING
    }

    assert lacking == set()
