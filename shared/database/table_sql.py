"""Plain SQL of a table, made from its one declaration: column lists, casts, and rows as objects.

    LINES = TableSql(ORDER_LINES, OrderLine)
    rows = await ctx.sql.fetch(f"select {LINES.columns('l')} from order_lines l where …")
    lines = [LINES.read(row) for row in rows]

The names come from the fields of the row's class that are columns of the table, so a new column is one edit in each,
and where it stands in either does not matter: what is selected, written and read is the same list.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, Generic, TypeVar

import orjson
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSON, JSONB

from shared.database.json_rows import recordset, rows_json

Row = TypeVar("Row")
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


class TableSql(Generic[Row]):
    """The plain-SQL door to one table, whose rows are objects of a dataclass with fields named like its columns."""

    def __init__(
        self,
        table: Table,
        row: type[Row],
        *,
        reads: Mapping[str, Callable[[Any], object]] | None = None,
        writes: Mapping[str, Callable[[Any], object]] | None = None,
    ) -> None:
        """`reads` and `writes` turn what a JSON column holds into what the field holds, and back.

        Without them a JSON column's field has the plain value (lists and dicts).
        """
        self.table = table
        kinds = {column.name: column.type for column in table.columns}
        own = [field.name for field in fields(row) if field.name in kinds]  # type: ignore[arg-type]
        self.types = {name: kinds[name].compile(_DIALECT).lower() for name in own}
        self.names: tuple[str, ...] = tuple(own)
        self._row = row
        self._json = {name for name in own if isinstance(kinds[name], JSON | JSONB)}
        self._reads = {name: (reads or {}).get(name, _same) for name in self._json}
        self._writes = dict(writes or {})

    def columns(self, alias: str) -> str:
        """What to select for `read`; JSON as text."""
        return ", ".join(f"{alias}.{name}{'::text' if name in self._json else ''}" for name in self.names)

    def read(self, record: Sequence[Any], start: int = 0) -> Row:
        """The object of a row whose columns from `start` on are those of `columns`."""
        values = dict(zip(self.names, record[start : start + len(self.names)], strict=True))
        for name, read in self._reads.items():
            if values[name] is not None:
                values[name] = read(orjson.loads(values[name]))
        return self._row(**values)

    def insert(self, parameter: int) -> str:
        """SQL that inserts the rows of a parameter of `json`; the tenant is $1."""
        names = ", ".join(self.names)
        rows = recordset(parameter, self.types, "new")
        return f"insert into {self.table.name} (tenant_id, {names}) select $1, {names} from {rows}"  # noqa: S608

    def update(self, parameter: int, columns: Sequence[str]) -> str:
        """SQL that gives these columns of existing rows the values of a parameter of `json(…, columns)`."""
        changes = ", ".join(f"{name} = new.{name}" for name in columns)
        rows = recordset(parameter, {name: self.types[name] for name in ("id", *columns)}, "new")
        return (
            f"update {self.table.name} t set {changes} from {rows} "  # noqa: S608
            "where t.tenant_id = $1 and t.id = new.id"
        )

    def json(self, rows: Iterable[Row], columns: Sequence[str] | None = None) -> str:
        """Rows as the parameter of `insert`; or the id and these columns of them, as that of `update`."""
        names = self.names if columns is None else ("id", *columns)
        values = attrgetter(*names)
        made = [name for name in names if name in self._writes]
        if not made:
            return rows_json(names, map(values, rows))
        documents = []
        for row in rows:
            written = dict(zip(names, values(row), strict=True))
            for name in made:
                written[name] = self._writes[name](written[name])
            documents.append(tuple(written.values()))
        return rows_json(names, documents)


def _same(value: object) -> object:
    return value
