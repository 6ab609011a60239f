"""Tables of terms: by which words things are found (`shared.context.search_terms`), and how a migration fills one.

Terms are in the order of bytes (collation C), so that a prefix is a range whatever the database's own collation is.
Nothing refers to a term, and a term to nothing: they say again what stands in the thing's own row.
"""

from collections.abc import Callable, Collection
from typing import Any

from alembic import op
from sqlalchemy import Column, Index, MetaData, Row, Table, Text, Uuid, text

from shared.database.alembic import run
from shared.database.rls import protect

PAGE = 5_000  # rows that are read and written at once


def term_table(metadata: MetaData, name: str, owner: str) -> Table:
    """A table of the terms of what `owner` names."""
    return Table(
        name,
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column(owner, Uuid, primary_key=True),
        Column("term", Text(collation="C"), primary_key=True),
        Index(f"{name}_by_term", "tenant_id", "term", owner),
    )


def create_term_table(
    service: str,
    name: str,
    owner: str,
    *,
    of: str,
    columns: str,
    terms: Callable[[Row[Any]], Collection[str]],
) -> None:
    """Create it, in a migration, with the terms of all rows of the table `of`; `columns` are what they are made of."""
    run(
        f"""
        create table {name} (
          tenant_id uuid not null,
          {owner} uuid not null,
          term text collate "C" not null,
          primary key (tenant_id, {owner}, term)
        );
        create index {name}_by_term on {name} (tenant_id, term, {owner});
        """
    )
    statement = text(
        f"insert into {name} select * from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[]), "  # noqa: S608
        "cast(:terms as text[]))"
    )

    def add(rows: Collection[Row[Any]]) -> None:
        found = [(row.tenant_id, row.id, term) for row in rows for term in terms(row)]
        tenants, ids, words = zip(*found, strict=True) if found else ((), (), ())
        values = {"tenants": list(tenants), "ids": list(ids), "terms": list(words)}
        op.get_bind().execute(statement, values)

    in_pages(columns, of, add)
    run(protect(service, name, grants="select, insert, delete"))


def in_byte_order(table: str, *columns: str) -> None:
    """Have text columns compared by their bytes, in a migration: indexes are built anew, rows stay as they are.

    PostgreSQL changes no column that a trigger's condition names, so the table's triggers are taken off and put back.
    """
    changes = ", ".join(f'alter column {column} type text collate "C"' for column in columns)
    run(
        f"""
        do $$
        declare
          each record;
          found text[] := array(select pg_get_triggerdef(oid) from pg_trigger
            where tgrelid = '{table}'::regclass and not tgisinternal order by tgname);
          definition text;
        begin
          for each in select tgname from pg_trigger where tgrelid = '{table}'::regclass and not tgisinternal loop
            execute format('drop trigger %I on {table}', each.tgname);
          end loop;
          alter table {table} {changes};
          foreach definition in array found loop execute definition; end loop;
        end $$;
        """  # noqa: S608 - our own column names
    )


def in_pages(columns: str, table: str, take: Callable[[Collection[Row[Any]]], None]) -> None:
    """Hand all rows of all tenants to a function, in a migration, so many at a time; nobody else reads them meanwhile.

    FORCE binds the owner, too, whom no policy admits; it is lifted for as long as the table is locked.
    """
    run(f"alter table {table} no force row level security;")
    statement = text(
        f"select tenant_id, id, {columns} from {table} where (tenant_id, id) > (:tenant_id, :id) "  # noqa: S608
        f"order by tenant_id, id limit {PAGE}"
    )
    place = {
        "tenant_id": "00000000-0000-0000-0000-000000000000",
        "id": "00000000-0000-0000-0000-000000000000",
    }
    while rows := op.get_bind().execute(statement, place).all():
        take(rows)
        place = {"tenant_id": rows[-1].tenant_id, "id": rows[-1].id}
    run(f"alter table {table} force row level security;")
