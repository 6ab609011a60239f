"""Plain SQL of a table, made from its one declaration: column lists, casts, and rows as objects.

    LINES = TableSql(ORDER_LINES, OrderLine)
    rows = await ctx.sql.fetch(f"select {LINES.columns('l')} from order_lines l where …")
    lines = [LINES.read(row) for row in rows]

The names come from the fields of the row's class that are columns of the table, so a new column is one edit in each,
and where it stands in either does not matter: what is selected, written and read is the same list. A statement that
reads several tables side by side selects `columns` of each and reads each from where the one before ends (`width`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any, Generic, TypeVar

import orjson
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSON, JSONB

from shared.database.json_rows import documents_json, recordset
from shared.database.tables import TenantRow

Row = TypeVar("Row")
_values = cache(attrgetter)
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


class TableSql(Generic[Row]):
    """The plain-SQL door to one table, whose rows are objects of a dataclass with fields named like its columns."""

    def __init__(
        self,
        table: Table | type[TenantRow],
        row: type[Row],
        *,
        reads: Mapping[str, Callable[[Any], object]] | None = None,
        writes: Mapping[str, Callable[[Any], object]] | None = None,
        without: Sequence[str] = (),
    ) -> None:
        """`reads` and `writes` turn what a JSON column holds into what the field holds, and back.

        Without them a JSON column's field has the plain value (lists and dicts). `without` are columns to leave out.
        """
        declared: Table = table if isinstance(table, Table) else table.__table__  # type: ignore[attr-defined]
        self.table = declared
        kinds = {column.name: column.type for column in declared.columns}
        own = fields(row)  # type: ignore[arg-type]
        self.names: tuple[str, ...] = tuple(
            field.name for field in own if field.name in kinds and field.name not in without
        )
        self.types = {name: kinds[name].compile(_DIALECT).lower() for name in self.names}
        self.width = len(self.names)
        self.row = row
        # Where the columns are the first fields of the class, both in the order of the class, names need not be said.
        self._first = self.names == tuple(field.name for field in own if field.init)[: self.width]
        json = [(n, name) for n, name in enumerate(self.names) if isinstance(kinds[name], JSON | JSONB)]
        self._json = {name for _, name in json}
        self._reads = [(n, (reads or {}).get(name)) for n, name in json]
        self._writes = dict(writes or {})

    def columns(self, alias: str) -> str:
        """What to select for `read`; JSON as text."""
        return ", ".join(f"{alias}.{name}{'::text' if name in self._json else ''}" for name in self.names)

    def array(self, alias: str, source: str) -> str:
        """All rows of a source (what follows `from`) as one value; each of them is one for `read`."""
        return f"array(select row({self.columns(alias)}) from {source})"  # noqa: S608

    def nothing(self) -> str:
        """What to select in place of `columns` in a part of a union that has nothing of this table."""
        return ", ".join(f"null::{'text' if name in self._json else self.types[name]}" for name in self.names)

    def read(self, record: Sequence[Any], start: int = 0, **others: object) -> Row:
        """The object of a row whose columns from `start` on are those of `columns`; other fields are given."""
        values: Sequence[Any] = record[start : start + self.width]
        if self._reads:
            values = list(values)
            for place, read in self._reads:
                if values[place] is not None:
                    stored = orjson.loads(values[place])
                    values[place] = stored if read is None else read(stored)
        if self._first:
            return self.row(*values, **others)
        return self.row(**dict(zip(self.names, values, strict=True)), **others)

    def rows(self, parameter: int, alias: str = "new") -> str:
        """What stands after `from` to have the rows of a parameter of `json`."""
        return recordset(parameter, self.types, alias)

    def insert(self, parameter: int, *, given: Mapping[str, str] | None = None, rest: str = "") -> str:
        """SQL that inserts the rows of a parameter of `json`, there called `new`; the tenant is $1.

        `given` are columns that SQL has a value for, instead of or beside those of the rows; `rest` is what follows
        the rows (joins, an order).
        """
        values = {name: f"new.{name}" for name in self.names} | dict(given or {})
        return (
            f"insert into {self.table.name} (tenant_id, {', '.join(values)}) "  # noqa: S608
            f"select $1, {', '.join(values.values())} from {self.rows(parameter)} {rest}"
        )

    def replace(self, parameter: int, *, keep: Sequence[str] = (), rest: str = "") -> str:
        """Like `insert`; a row that is there gets the new one's values, except of the columns to keep."""
        changes = ", ".join(f"{name} = excluded.{name}" for name in self.names if name not in ("id", *keep))
        return f"{self.insert(parameter, rest=rest)} on conflict (tenant_id, id) do update set {changes}"

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
        values = _values(*names)
        documents = [dict(zip(names, values(row), strict=True)) for row in rows]
        for name, write in self._writes.items():
            if name in names:
                for document in documents:
                    document[name] = write(document[name])
        return documents_json(documents)
