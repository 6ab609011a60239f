"""Who may do what beside rows, asked of the catalogue for every schema of ours: functions, tables, roles."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from gateway.service import SERVICE as GATEWAY
from services.all import SERVICES
from shared.bus.pg.schema import ROLE as BUS
from shared.database.migrations import migrate
from shared.database.rls import UnsafeDatabase, app_role, boot_guard, owner_role, role_password, worker_role
from tests.kit import postgres
from tests.kit.suite import PASSWORD, ROLE_SECRET, migrate_all
from tests.shared.probe.service import PROBE

NAMES = [service.name for service in (*SERVICES, GATEWAY)]
SCHEMAS = [*NAMES, "app", "bus"]
SIGNING_IN = [role(name) for name in NAMES for role in (app_role, worker_role)] + [BUS]
OURS = [*SIGNING_IN, *(owner_role(name) for name in NAMES)]

FUNCTIONS = """
select p.oid::regprocedure::text as name, n.nspname as schema, p.prosrc as text, o.rolname as owner,
  p.prosecdef as definer, p.prorettype = 'trigger'::regtype as trigger,
  coalesce(array_to_string(p.proconfig, ','), '') as config,
  has_function_privilege('public', p.oid, 'execute') as open
from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_roles o on o.oid = p.proowner
where n.nspname = any($1) order by 1
"""
MEMBERS = """
select m.rolname as member, r.rolname as role from pg_auth_members a
join pg_roles m on m.oid = a.member join pg_roles r on r.oid = a.roleid where m.rolname = any($1)
"""


@pytest.fixture(scope="module")
async def rights_url(admin_url: str) -> AsyncIterator[str]:
    """A database that was migrated itself: what is granted on a database is not in its copies."""
    name = f"rights_{uuid4().hex}"
    url = await postgres.create_database(admin_url, name)
    await migrate_all(url, (*SERVICES, GATEWAY))
    yield url
    await postgres.drop_database(admin_url, name)


@pytest.fixture(scope="module")
async def catalogue(rights_url: str) -> AsyncIterator[asyncpg.Connection]:
    sql = await asyncpg.connect(rights_url)
    yield sql
    await sql.close()


async def test_no_function_of_ours_may_be_called_by_everybody(catalogue: asyncpg.Connection):
    functions = await catalogue.fetch(FUNCTIONS, SCHEMAS)

    assert {f["schema"] for f in functions} >= {"app", "billing"}
    assert [f["name"] for f in functions if f["open"]] == []


async def test_a_function_with_its_owners_rights_is_the_services_and_serves_one_table(
    catalogue: asyncpg.Connection,
):
    definers = [f for f in await catalogue.fetch(FUNCTIONS, SCHEMAS) if f["definer"]]

    assert len(definers) >= 4
    for f in definers:
        assert f["owner"] == owner_role(f["schema"]), f["name"]
        assert f["config"] == f"search_path={f['schema']}, pg_temp", f["name"]
        assert not f["trigger"] or "if tg_relid <> " in f["text"], f"{f['name']} serves whoever calls it"


async def test_no_trigger_looks_names_up_where_its_caller_says(catalogue: asyncpg.Connection):
    triggers = [f for f in await catalogue.fetch(FUNCTIONS, SCHEMAS) if f["trigger"]]

    assert [f["name"] for f in triggers if f["config"] != f"search_path={f['schema']}, pg_temp"] == []


async def test_a_function_made_later_is_not_everybodys_either(catalogue: asyncpg.Connection):
    for name in NAMES:
        change = catalogue.transaction()
        await change.start()
        await catalogue.execute(f"set local role {owner_role(name)}")
        await catalogue.execute(f"create function {name}.later() returns int language sql as 'select 1'")
        functions = await catalogue.fetch(FUNCTIONS, [name])
        await change.rollback()

        assert [f["open"] for f in functions if f["name"].endswith("later()")] == [False]


async def test_services_that_are_not_migrated_yet_go_on_calling_what_they_called(
    catalogue: asyncpg.Connection, rights_url: str
):
    """As a release before left it: everybody may call the functions that policies are made of."""
    roles = [role(name) for name in NAMES for role in (app_role, worker_role)]
    await catalogue.execute("grant execute on all routines in schema app to public")
    for role in roles:
        await catalogue.execute(f"revoke execute on all routines in schema app from {role}")
    orders = next(service for service in SERVICES if service.name == "orders")

    await migrate(rights_url, "orders", orders.migrations, password=PASSWORD)

    for role in (*roles, "public"):
        may = await catalogue.fetchval(
            "select has_function_privilege($1, 'app.tenant_id()', 'execute')", role
        )
        assert may is (role != "public"), role


@pytest.mark.parametrize("role", SIGNING_IN)
async def test_no_role_that_signs_in_can_make_a_table_anywhere(role: str, rights_url: str):
    sql = await asyncpg.connect(rights_url, user=role, password=role_password(ROLE_SECRET, role))
    try:
        schemas = [r["nspname"] for r in await sql.fetch("select nspname from pg_namespace")]
        statements = [
            "create temporary table mine (id int)",
            "create schema mine",
            *(f'create table "{schema}".mine (id int)' for schema in schemas),
        ]
        for statement in statements:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await sql.execute(statement)
    finally:
        await sql.close()


async def test_no_role_of_ours_has_the_rights_of_another(catalogue: asyncpg.Connection):
    roles = await catalogue.fetch("select * from pg_roles where rolname = any($1)", OURS)

    assert len(roles) == len(OURS)
    assert await catalogue.fetch(MEMBERS, OURS) == []
    for role in roles:
        might = ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication")
        assert not any(role[right] for right in might), role["rolname"]
        assert role["rolcanlogin"] is (role["rolname"] in SIGNING_IN)


async def test_a_process_does_not_start_where_everybody_may_call_what_its_owner_may(fresh_url: str):
    admin = await asyncpg.connect(fresh_url)
    role = app_role("probe")
    sql = await asyncpg.connect(fresh_url, user=role, password=PASSWORD(role))
    try:
        await admin.execute(
            "create function probe.helpful() returns int language sql security definer as 'select 1'; "
            "grant execute on function probe.helpful() to public"
        )
        with pytest.raises(UnsafeDatabase, match=r"everybody may call helpful\(\)"):
            await boot_guard(sql, "probe")
        await migrate(fresh_url, "probe", PROBE.migrations, password=PASSWORD)
        await boot_guard(sql, "probe")
    finally:
        await sql.close()
        await admin.close()


@pytest.fixture
async def provider(admin_url: str) -> AsyncIterator[tuple[str, str]]:
    """A role that makes roles and is no superuser, as on a managed PostgreSQL; its address of an empty database."""
    name = f"provider_{uuid4().hex}"
    sql = await asyncpg.connect(admin_url)
    await sql.execute(f"create role {name} login createrole password 'x'")
    probes = (app_role("probe"), worker_role("probe"), owner_role("probe"), BUS)
    # On a server of its own it would have made these itself.
    for role in probes:
        if await sql.fetchval("select true from pg_roles where rolname = $1", role):
            await sql.execute(f"grant {role} to {name} with admin option")
    url = urlsplit(await postgres.create_database(admin_url, name))
    yield name, f"postgresql://{name}:x@{url.netloc.rpartition('@')[2]}{url.path}?{url.query}"
    await postgres.drop_database(admin_url, name)
    await sql.execute(f"drop owned by {name}")
    await sql.execute(f"drop role {name}")
    await sql.close()


async def test_an_administrator_who_owns_the_database_and_is_no_superuser_closes_it(
    admin_url: str, probe_template: str, provider: tuple[str, str]
):
    name, url = provider
    admin = await asyncpg.connect(postgres.database_url(admin_url, name))
    await admin.execute(f'alter database "{name}" owner to {name}')
    await admin.close()

    assert await migrate(url, "probe", PROBE.migrations, password=PASSWORD)

    role = app_role("probe")
    sql = await asyncpg.connect(postgres.database_url(admin_url, name), user=role, password=PASSWORD(role))
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="temporary"):
        await sql.execute("create temporary table mine (id int)")
    await boot_guard(sql, "probe")
    await sql.close()


async def test_an_administrator_who_may_not_close_the_database_is_told_what_its_owner_has_to_run(
    admin_url: str, probe_template: str, provider: tuple[str, str]
):
    name, url = provider
    owner = await asyncpg.connect(postgres.database_url(admin_url, name))
    await owner.execute(f'grant create on database "{name}" to {name}')
    with pytest.raises(UnsafeDatabase, match="temporary tables") as refused:
        await migrate(url, "probe", PROBE.migrations, password=PASSWORD)
    assert await owner.fetchval("select to_regclass('probe.alembic_version')") is None

    await owner.execute(str(refused.value).partition("run: ")[2])
    assert await migrate(url, "probe", PROBE.migrations, password=PASSWORD)
    await owner.close()
