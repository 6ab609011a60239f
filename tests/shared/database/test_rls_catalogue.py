"""The rules of tenancy, asked of the catalogue for every table of every service, and tried as the app role."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from gateway.service import SERVICE as GATEWAY
from services.all import SERVICES
from shared.database import kernel_tables
from shared.database.rls import app_role, role_password
from tests.kit import postgres
from tests.kit.suite import ROLE_SECRET, migrated_database

GOLDEN = Path(__file__).parent / "rls_exceptions.txt"
MAY_STAND = 4  # how many exceptions there were when this was written; lower it when one goes
SCHEMAS = [s.name for s in SERVICES]

TABLES = """
select n.nspname as schema, c.relname as name, c.oid, c.relrowsecurity, c.relforcerowsecurity,
  (select a.attnotnull from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not attisdropped)
  as tenant_not_null,
  array(select p.polname || ' '
    || array_to_string(array(select rolname from pg_roles r where r.oid = any(p.polroles)), ',')
    || ' ' || p.polcmd::text || ' ' || p.polpermissive::text
    || ' ' || coalesce(pg_get_expr(p.polqual, p.polrelid), '-')
    || ' ' || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '-')
    from pg_policy p where p.polrelid = c.oid order by polname) as policies
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any($1) and c.relkind in ('r', 'p') order by 1, 2
"""

KEYS = """
select conrelid::regclass::text as "table", contype::text as kind, pg_get_constraintdef(oid) as definition
from pg_constraint where connamespace = any($1::regnamespace[]) and contype in ('p', 'u', 'f', 'c')
"""

UNIQUE_INDEXES = """
select i.indrelid::regclass::text as "table", pg_get_indexdef(i.indexrelid) as definition,
  (select attname from pg_attribute a where a.attrelid = i.indrelid and a.attnum = i.indkey[0]) as first
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any($1) and i.indisunique
"""

COLUMNS = """
select c.oid, a.attname as name, format_type(a.atttypid, a.atttypmod) as type, t.typtype::text as kind,
  a.attnotnull and not a.atthasdef and a.attidentity = '' and a.attgenerated = '' as required,
  a.attgenerated <> '' or a.attidentity = 'a' as made_by_database
from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_type t on t.oid = a.atttypid
where c.oid = any($1) and a.attnum > 0 and not a.attisdropped order by a.attnum
"""

KERNEL_COLUMNS = """
select table_name, column_name, data_type, is_nullable from information_schema.columns
where table_schema = $1 and table_name = any($2)
"""


@pytest.fixture(scope="module")
async def catalogue_url(admin_url: str) -> AsyncIterator[str]:
    """A database of our own, in which rows may be put that no service would make."""
    name = f"catalogue_{uuid4().hex}"
    yield await migrated_database(admin_url, (*SERVICES, GATEWAY), name)
    await postgres.drop_database(admin_url, name)


@pytest.fixture(scope="module")
async def catalogue(catalogue_url: str) -> AsyncIterator[asyncpg.Connection]:
    sql = await asyncpg.connect(catalogue_url)
    yield sql
    await sql.close()


def exceptions() -> set[str]:
    lines = (line.split("#")[0].strip() for line in GOLDEN.read_text().splitlines())
    return {line for line in lines if line}


def test_the_exceptions_only_shrink():
    assert len(exceptions()) <= MAY_STAND


async def test_every_table_has_a_tenant_in_its_keys_and_is_protected(catalogue: asyncpg.Connection):
    found: set[str] = set()
    for table in await catalogue.fetch(TABLES, SCHEMAS):
        name = table["name"]
        if table["tenant_not_null"] is None:
            found.add(f"{name}: no tenant_id")
            continue
        if not table["tenant_not_null"]:
            found.add(f"{name}: tenant_id nullable")
        if not (table["relrowsecurity"] and table["relforcerowsecurity"]):
            found.add(f"{table['schema']}.{name}: row-level security is not enabled and forced")
        expected = "(tenant_id = ( SELECT app.tenant_id() AS tenant_id))"
        tenant = f"tenant {app_role(table['schema'])} * true {expected} {expected}"
        if tenant not in table["policies"]:
            found.add(f"{table['schema']}.{name}: policy `tenant` is {table['policies']}")
    for index in await catalogue.fetch(UNIQUE_INDEXES, SCHEMAS):
        table = index["table"].split(".")[-1]
        if index["first"] != "tenant_id" and table not in ("alembic_version",):
            columns = index["definition"].split(" USING btree ")[1].split(" INCLUDE")[0]
            found.add(f"{table}: primary key {columns}")
    for key in await catalogue.fetch(KEYS, SCHEMAS):
        if key["kind"] == "f" and not key["definition"].startswith("FOREIGN KEY (tenant_id, "):
            found.add(f"{key['table']}: {key['definition']}")

    assert found == exceptions()


async def test_states_are_text_under_a_check_and_nothing_is_an_enum(catalogue: asyncpg.Connection):
    tables = {t["oid"]: t for t in await catalogue.fetch(TABLES, SCHEMAS)}
    checks = [
        (k["table"].split(".")[-1], k["definition"])
        for k in await catalogue.fetch(KEYS, SCHEMAS)
        if k["kind"] == "c"
    ]
    bad: list[str] = []
    for column in await catalogue.fetch(COLUMNS, list(tables)):
        table = tables[column["oid"]]
        where = f"{table['schema']}.{table['name']}.{column['name']}"
        if table["name"] == "alembic_version":
            continue
        if column["kind"] == "e":
            bad.append(f"{where} is a PostgreSQL enum")
        if column["type"].startswith(
            ("json", "timestamp without", "money", "real", "double", "character")
        ) and column["type"] not in ("jsonb", "json"):
            bad.append(f"{where} is {column['type']}")
        if column["type"] == "json":
            bad.append(f"{where} is json; use jsonb")
        is_state = column["name"] == "state" or column["name"].endswith("_state")
        copied = table["name"] in ("tenants", "history")  # what others have checked
        if (
            is_state
            and not copied
            and not any(t == table["name"] and f"({column['name']} " in d for t, d in checks)
        ):
            bad.append(f"{where} has no CHECK")

    assert bad == []


async def test_every_view_runs_with_its_readers_rights_and_no_function_with_its_owners(
    catalogue: asyncpg.Connection,
):
    views = await catalogue.fetch(
        "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        "where n.nspname = any($1) and (c.relkind = 'm' or c.relkind = 'v' "
        "and not coalesce('security_invoker=true' = any(c.reloptions), false))",
        SCHEMAS,
    )
    definers = await catalogue.fetch(
        "select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace "
        "where n.nspname = any($1) and p.prosecdef and not (array_to_string(p.proconfig, ',') like '%search_path=%' "
        # a trigger's rows have passed the policy; what it reads beside them must name their tenant
        "and (p.prosrc like '%app.tenant_id()%' or p.prorettype = 'trigger'::regtype and p.prosrc like '%tenant_id%'))",
        SCHEMAS,
    )

    assert (views, definers) == ([], [])


class Two:
    """A connection of a service's app role, and two tenants."""

    def __init__(self, sql: asyncpg.Connection) -> None:
        self.sql = sql
        self.mine, self.theirs = uuid4(), uuid4()

    async def become(self, tenant: UUID | None) -> None:
        await self.sql.execute("select set_config('app.tenant_id', $1, true)", str(tenant or ""))


@pytest.fixture(params=SCHEMAS)
async def two(request: pytest.FixtureRequest, catalogue_url: str) -> AsyncIterator[tuple[str, Two]]:
    role = app_role(request.param)
    sql = await asyncpg.connect(catalogue_url, user=role, password=role_password(ROLE_SECRET, role))
    transaction = sql.transaction()
    await transaction.start()
    yield request.param, Two(sql)
    await transaction.rollback()
    await sql.close()


async def touchable(sql: asyncpg.Connection, schema: str) -> list[tuple[str, set[str]]]:
    rows = await sql.fetch(
        "select c.relname, array(select p from unnest(array['SELECT','INSERT','UPDATE','DELETE']) as p "
        "where has_table_privilege(c.oid, p)) as may from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        "where n.nspname = $1 and c.relkind in ('r', 'p') order by 1",
        schema,
    )
    return [(row["relname"], set(row["may"])) for row in rows if row["may"]]


async def refused_as(sql: asyncpg.Connection, statement: str, *values: object) -> str | None:
    """The SQLSTATE a statement is refused with; None when it goes through. The transaction is as before."""
    savepoint = sql.transaction()
    await savepoint.start()
    try:
        await sql.execute(statement, *values)
    except asyncpg.PostgresError as error:
        return error.sqlstate
    else:
        return None
    finally:
        await savepoint.rollback()


async def test_without_a_tenant_nothing_can_be_touched(two: tuple[str, Two]):
    schema, world = two
    await world.become(None)
    for table, may in await touchable(world.sql, schema):
        row = f"insert into {table} (tenant_id) values ($1)"
        statements = {
            "SELECT": (f"select tenant_id from {table} where tenant_id = app.tenant_id()", ()),
            "INSERT": (row, (world.mine,)),
            "UPDATE": (f"update {table} set tenant_id = tenant_id where tenant_id = app.tenant_id()", ()),
            "DELETE": (f"delete from {table} where tenant_id = app.tenant_id()", ()),
        }
        for right in may:
            statement, values = statements[right]
            state = await refused_as(world.sql, statement, *values)
            # An insert meets NOT NULL of other columns or the policy, whichever PostgreSQL checks first.
            assert state in ("42501", "23502"), f"{schema}.{table} {right} without a tenant: {state}"


async def test_rows_of_another_tenant_can_be_neither_seen_made_changed_nor_removed(
    two: tuple[str, Two], catalogue_url: str
):
    schema, world = two
    admin = await asyncpg.connect(catalogue_url)
    try:
        for table, may in await touchable(world.sql, schema):
            await _without_rules(admin, f"{schema}.{table}")
            await _matrix(admin, world, schema, table, may)
    finally:
        await admin.close()


async def _without_rules(admin: asyncpg.Connection, table: str) -> None:
    """Only tenancy shall refuse here: checks and triggers of the business stand aside."""
    checks = await admin.fetch(
        "select conname from pg_constraint where conrelid = $1::regclass and contype = 'c'", table
    )
    for check in checks:
        await admin.execute(f'alter table {table} drop constraint "{check["conname"]}"')
    await admin.execute(f"alter table {table} disable trigger user")


async def _matrix(admin: asyncpg.Connection, world: Two, schema: str, table: str, may: set[str]) -> None:
    """One table: a row of another tenant is put there by the superuser, without triggers, keys and checks."""
    oid = await admin.fetchval("select $1::regclass::oid", f"{schema}.{table}")
    columns = await admin.fetch(COLUMNS, [oid])
    if not any(c["name"] == "tenant_id" for c in columns):
        return
    keys = {
        row["attname"]
        for row in await admin.fetch(
            "select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid "
            "and a.attnum = any(i.indkey) where i.indrelid = $1 and i.indisprimary", oid,
        )
    }  # fmt: skip
    given = [c for c in columns if (c["required"] or c["name"] in keys) and not c["made_by_database"]]
    names = ", ".join(dict.fromkeys(["tenant_id", *(c["name"] for c in given)]))
    values = {c["name"]: _some(c) for c in given}
    texts = ", ".join("$1" if n == "tenant_id" else values[n] for n in names.split(", "))
    insert = f"insert into {schema}.{table} ({names}) values ({texts})"
    await admin.execute("set session_replication_role = replica")
    await admin.execute(insert, world.theirs)
    try:
        await world.become(world.mine)
        where = f"{schema}.{table}"
        assert (
            await world.sql.fetchval(f"select count(*) from {table} where tenant_id = $1", world.theirs) == 0
        ), where
        if "INSERT" in may:
            assert await refused_as(world.sql, insert, world.theirs) == "42501", f"{where} insert"
            upsert = f"{insert} on conflict do nothing"
            assert await refused_as(world.sql, upsert, world.theirs) == "42501", f"{where} upsert"
        if "UPDATE" in may:
            update = f"update {table} set tenant_id = $2 where tenant_id = $1"
            assert await world.sql.execute(update, world.theirs, world.mine) == "UPDATE 0", where
        if "DELETE" in may:
            assert (
                await world.sql.execute(f"delete from {table} where tenant_id = $1", world.theirs)
                == "DELETE 0"
            )
        left = await admin.fetchval(
            f"select count(*) from {schema}.{table} where tenant_id = $1", world.theirs
        )
        assert left == 1, where
    finally:
        await admin.execute(f"delete from {schema}.{table} where tenant_id = $1", world.theirs)


def _some(column: asyncpg.Record) -> str:
    """A value of a column's type, as SQL."""
    kind = column["type"].split("(")[0]
    return {
        "uuid": "gen_random_uuid()", "text": "'GBP'", "bigint": "1", "integer": "1", "smallint": "1", "numeric": "1",
        "boolean": "true", "date": "current_date", "timestamp with time zone": "now()", "bytea": "'x'", "jsonb": "'{}'",
        "interval": "'0'", "text[]": "'{}'", "uuid[]": "'{}'", "integer[]": "'{}'", "time without time zone": "'00:00'",
    }[kind]  # fmt: skip


async def test_every_service_has_the_newest_version_of_the_kernels_tables(database_url: str, probe_url: str):
    """A service that forgot a revision would fail only when the kernel first touches what it lacks."""

    async def columns(url: str, schema: str) -> set[tuple[object, ...]]:
        sql = await asyncpg.connect(url)
        try:
            rows = await sql.fetch(KERNEL_COLUMNS, schema, list(kernel_tables.NAMES - {"alembic_version"}))
        finally:
            await sql.close()
        return {tuple(row) for row in rows}

    newest = await columns(probe_url, "probe")
    for service in (*SCHEMAS, "gateway"):
        assert await columns(database_url, service) == newest
