"""Plain SQL of a table follows its declaration: names, not places, join columns and fields."""

from dataclasses import dataclass, field, make_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import BigInteger, Column, DateTime, MetaData, Numeric, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from shared.database.table_sql import TableSql
from shared.values.ids import new_id

COLUMNS = {
    "tenant_id": Uuid, "id": Uuid, "title": Text, "place": Text, "copies": BigInteger, "weight": Numeric,
    "written_at": DateTime(timezone=True), "tags": JSONB,
}  # fmt: skip
CREATE = """
create temporary table books (tenant_id uuid, id uuid, title text, place text, copies bigint, weight numeric,
  written_at timestamptz, tags jsonb)
"""


@dataclass
class Book:
    """A row, and something that is no column."""

    id: UUID
    title: str
    place: str
    copies: int
    weight: Decimal
    written_at: datetime
    tags: list[str] | None
    touched: bool = field(default=False)


def table(*names: str) -> Table:
    return Table("books", MetaData(), *(Column(name, COLUMNS[name]) for name in names))


def book() -> Book:
    return Book(new_id(), "Title", "Place", 7, Decimal("1.25"), datetime(2026, 5, 4, 3, 2, tzinfo=UTC), ["a"])


@pytest.fixture
async def sql(admin_url: str):
    connection = await asyncpg.connect(admin_url)
    await connection.execute(CREATE)
    yield connection
    await connection.close()


async def test_what_is_written_is_read_back(sql: asyncpg.Connection):
    books, one, other, tenant = TableSql(table(*COLUMNS), Book), book(), book(), new_id()
    other.tags = None

    await sql.execute(books.insert(2), tenant, books.json([one, other]))
    rows = await sql.fetch(f"select 1, {books.columns('b')} from books b order by id")

    assert [books.read(row, 1) for row in rows] == [one, other]


async def test_an_update_changes_the_named_columns_only(sql: asyncpg.Connection):
    books, one, tenant = TableSql(table(*COLUMNS), Book), book(), new_id()
    await sql.execute(books.insert(2), tenant, books.json([one]))
    one.copies, one.title = 8, "Other"

    await sql.execute(books.update(2, ["copies"]), tenant, books.json([one], ["copies"]))

    (row,) = await sql.fetch(f"select {books.columns('b')} from books b")
    assert (row["copies"], row["title"]) == (8, "Title")


@pytest.mark.parametrize("turned", [False, True])
async def test_columns_in_another_order_change_nothing(sql: asyncpg.Connection, turned: bool):
    names = list(COLUMNS)[::-1]
    row_class = (
        make_dataclass("Row", [(name, object) for name in names if name != "tenant_id"]) if turned else Book
    )
    books, tenant = TableSql(table(*names), row_class), new_id()
    values = {name: value for name, value in vars(book()).items() if name != "touched"}

    await sql.execute(books.insert(2), tenant, books.json([row_class(**values)]))

    (row,) = await sql.fetch(f"select {books.columns('b')} from books b")
    read = books.read(row)
    assert {name: getattr(read, name) for name in values} == values


async def test_a_json_column_may_hold_something_else_than_its_field(sql: asyncpg.Connection):
    books = TableSql(
        table(*COLUMNS),
        Book,
        reads={"tags": lambda stored: stored["of"]},
        writes={"tags": lambda tags: {"of": tags}},
    )
    one, tenant = book(), new_id()

    await sql.execute(books.insert(2), tenant, books.json([one]))

    (row,) = await sql.fetch(f"select {books.columns('b')} from books b")
    assert row["tags"] == '{"of": ["a"]}'
    assert books.read(row) == one


async def test_columns_may_come_from_sql_and_rows_be_joined(sql: asyncpg.Connection):
    books, tenant = TableSql(table(*COLUMNS), Book), new_id()
    known, unknown = book(), book()
    statement = books.insert(
        2, given={"title": "upper(new.title)"}, rest="join unnest($3::uuid[]) as k(id) on k.id = new.id"
    )

    await sql.execute(statement, tenant, books.json([known, unknown]), [known.id])

    (row,) = await sql.fetch(f"select {books.columns('b')} from books b")
    known.title = "TITLE"
    assert books.read(row) == known


async def test_a_row_that_is_there_is_replaced_but_for_what_is_kept(sql: asyncpg.Connection):
    await sql.execute("create unique index on books (tenant_id, id)")
    books, one, tenant = TableSql(table(*COLUMNS), Book), book(), new_id()
    await sql.execute(books.insert(2), tenant, books.json([one]))
    one.title, one.place = "Other", "Elsewhere"

    await sql.execute(books.replace(2, keep=["place"]), tenant, books.json([one]))

    (row,) = await sql.fetch(f"select {books.columns('b')} from books b")
    assert (row["title"], row["place"]) == ("Other", "Place")


async def test_rows_may_be_selected_as_one_value(sql: asyncpg.Connection):
    books, one, other = TableSql(table(*COLUMNS), Book), book(), book()
    await sql.execute(books.insert(2), new_id(), books.json([one, other]))

    found = await sql.fetchval(f"select {books.array('b', 'books b order by b.id')}")

    assert [books.read(row) for row in found] == [one, other]


async def test_a_union_has_nothing_of_one_table_where_it_has_rows_of_another(sql: asyncpg.Connection):
    books, one = TableSql(table(*COLUMNS), Book), book()
    await sql.execute(books.insert(2), new_id(), books.json([one]))

    rows = await sql.fetch(
        f"select true as is_book, {books.columns('b')} from books b union all select false, {books.nothing()}"
    )

    assert [books.read(row, 1) for row in rows if row["is_book"]] == [one]
    (empty,) = [row for row in rows if not row["is_book"]]
    assert set(empty[1:]) == {None}


@dataclass
class Titled:
    """A row with a needed field that is no column."""

    id: UUID
    shelf: str
    title: str
    tags: list[str] | None = None


async def test_columns_are_left_out_and_other_fields_given(sql: asyncpg.Connection):
    books, one = TableSql(table(*COLUMNS), Book), book()
    titled = TableSql(table(*COLUMNS), Titled, without=["tags"])
    await sql.execute(books.insert(2), new_id(), books.json([one]))

    (row,) = await sql.fetch(f"select {titled.columns('b')} from books b")

    assert titled.names == ("id", "title")
    assert titled.read(row, shelf="A") == Titled(one.id, "A", one.title)
    with pytest.raises(TypeError, match="shelf"):
        titled.read(row)
