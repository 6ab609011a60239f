"""Tenancy in the running kernel: the boot guard, the pool, foreign keys into other tenants."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from uuid import UUID

import asyncpg
import httpx
import pytest
from sqlalchemy.exc import InterfaceError

from shared.context.ctx import TenantFacts
from shared.database.pool import Database, DatabaseAway, NothingCommitted, PoolExhausted
from shared.database.rls import UnsafeDatabase, app_role, boot_guard, role_password
from shared.service.runtime import ServiceRuntime
from shared.values.ids import new_id
from tests.kit import postgres
from tests.kit.suite import ROLE_SECRET, Suite, eventually, migrate_all
from tests.shared.given_notes import given_note, rows
from tests.shared.probe.service import PROBE

ROLE = app_role("probe")


@pytest.fixture
async def one_connection(probe_url: str) -> AsyncIterator[Database]:
    database = Database(
        probe_url, user=ROLE, password=role_password(ROLE_SECRET, ROLE), size=1, application_name="test"
    )
    yield database
    await database.close()


async def test_a_connection_that_goes_back_to_the_pool_carries_no_tenant_over(
    one_connection: Database, owner: TenantFacts, probe: httpx.AsyncClient
):
    await given_note(probe)
    stranger = new_id()
    async with one_connection.transaction(owner.id) as tx:
        first, mine = await tx.sql.fetchrow("select pg_backend_pid(), (select count(*) from notes)")
    async with one_connection.transaction(stranger) as tx:
        second, theirs = await tx.sql.fetchrow("select pg_backend_pid(), (select count(*) from notes)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="tenant context missing"):
        async with one_connection.transaction(None) as tx:
            await tx.sql.fetch("select * from notes")
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the block is what is tested
        async with one_connection.transaction(owner.id) as tx:
            third = await tx.sql.fetchval("select pg_backend_pid()")
            _ = 1 / 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="tenant context missing"):
        async with one_connection.transaction(None) as tx:
            await tx.sql.fetch("select * from notes")

    assert first == second == third
    assert (mine, theirs) == (1, 0)


async def test_the_orm_sees_its_own_tenant_only(
    one_connection: Database, owner: TenantFacts, probe: httpx.AsyncClient
):
    note = await given_note(probe)
    from sqlmodel import select

    from tests.shared.probe.notes.models import Note

    async with one_connection.transaction(owner.id) as tx:
        mine = (await tx.session.exec(select(Note))).all()
    async with one_connection.transaction(new_id()) as tx:
        theirs = (await tx.session.exec(select(Note).where(Note.id == UUID(note["id"])))).all()

    assert ([str(n.id) for n in mine], list(theirs)) == ([note["id"]], [])


async def test_a_foreign_key_cannot_reach_another_tenants_row(
    kernel: Suite, one_connection: Database, probe: httpx.AsyncClient
):
    note = await given_note(probe)
    stranger = new_id()

    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with one_connection.transaction(stranger) as tx:
            await tx.sql.execute(
                "insert into links (tenant_id, id, note_id) values ($1, $2, $3)",
                stranger,
                new_id(),
                UUID(note["id"]),
            )

    assert await rows(kernel.url, "probe", "links", tenant_id=stranger) == []


async def test_a_transaction_that_cannot_commit_says_so(one_connection: Database, owner: TenantFacts):
    with pytest.raises(NothingCommitted):
        async with one_connection.transaction(owner.id) as tx:
            await _fails_quietly(tx.sql)


async def _fails_quietly(sql: asyncpg.Connection) -> None:
    try:
        await sql.execute("select 1 / 0")
    except asyncpg.DivisionByZeroError:
        return


async def test_an_exhausted_pool_says_so_in_time(
    one_connection: Database, owner: TenantFacts, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("shared.database.pool.WAIT_SECONDS", 0.1)
    async with one_connection.transaction(owner.id):
        with pytest.raises(PoolExhausted):
            async with one_connection.transaction(owner.id):
                pass


async def test_a_savepoint_undoes_its_part_only_through_both_doors(
    one_connection: Database, owner: TenantFacts
):
    from tests.shared.probe.notes.models import Note

    async with one_connection.transaction(owner.id) as tx:
        tx.session.add(Note(tenant_id=owner.id, title="kept", state="draft"))
        for door in ("orm", "sql", "bug"):
            with pytest.raises((asyncpg.UniqueViolationError, RuntimeError)):  # noqa: PT012 - the same
                async with tx.savepoint():
                    await tx.sql.execute("update notes set state = 'archived' where tenant_id = $1", owner.id)
                    if door == "orm":
                        tx.session.add(Note(tenant_id=owner.id, title="kept", state="draft"))
                    elif door == "sql":
                        await tx.sql.execute(
                            "insert into notes (tenant_id, id, title, state) values ($1, $2, 'kept', 'draft')",
                            owner.id, new_id(),
                        )  # fmt: skip
                    else:
                        raise RuntimeError
        async with tx.savepoint():
            tx.session.add(Note(tenant_id=owner.id, title="kept too", state="draft"))
    async with one_connection.transaction(owner.id) as tx:
        found = await tx.sql.fetch(
            "select title, state from notes where tenant_id = $1 order by title", owner.id
        )

    assert [tuple(r) for r in found] == [("kept", "draft"), ("kept too", "draft")]


async def test_cancelling_in_the_middle_of_a_statement_gives_the_connection_back(
    one_connection: Database, owner: TenantFacts
):
    async def slow() -> None:
        async with one_connection.transaction(owner.id) as tx:
            await tx.sql.execute("select pg_sleep(30)")

    for _ in range(3):
        task = asyncio.create_task(slow())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(task, 0.05)
    async with asyncio.timeout(5), one_connection.transaction(owner.id) as tx:
        assert await tx.sql.fetchval("select count(*) from notes") == 0


async def test_a_server_that_dies_in_the_middle_is_told_apart_from_a_refusal(
    kernel: Suite, one_connection: Database, owner: TenantFacts
):
    with pytest.raises(DatabaseAway):  # noqa: PT012 - the same
        async with one_connection.transaction(owner.id) as tx:
            pid = await tx.sql.fetchval("select pg_backend_pid()")
            admin = await asyncpg.connect(kernel.url)
            await admin.execute("select pg_terminate_backend($1)", pid)
            await admin.close()
            await tx.sql.execute("select 1")
    async with one_connection.transaction(owner.id) as tx:
        assert await tx.sql.fetchval("select 1") == 1


async def test_the_boot_guard_refuses_a_role_or_table_without_protection(fresh_url: str):
    admin = await asyncpg.connect(fresh_url)
    role = await asyncpg.connect(fresh_url, user=ROLE, password=role_password(ROLE_SECRET, ROLE))
    try:
        await boot_guard(role, "probe")
        with pytest.raises(UnsafeDatabase, match="superuser"):
            await boot_guard(admin, "probe")
        with pytest.raises(UnsafeDatabase, match="no tables"):
            await boot_guard(role, "nowhere")
        for harm, repair in (
            (
                "alter table probe.notes disable row level security",
                "alter table probe.notes enable row level security",
            ),
            (
                "alter table probe.notes no force row level security",
                "alter table probe.notes force row level security",
            ),
            (
                "alter policy tenant on probe.notes rename to other",
                "alter policy other on probe.notes rename to tenant",
            ),
            (
                f"alter table probe.notes owner to {ROLE}",
                "alter table probe.notes owner to backoffice_probe_owner",
            ),
        ):
            await admin.execute(harm)
            with pytest.raises(UnsafeDatabase, match="notes"):
                await boot_guard(role, "probe")
            await admin.execute(repair)
        await boot_guard(role, "probe")
    finally:
        await role.close()
        await admin.close()


async def test_a_role_that_may_bypass_row_level_security_does_not_start(fresh_url: str):
    admin = await asyncpg.connect(fresh_url)
    name = f"bypass_{new_id().hex}"
    await admin.execute(f"create role {name} login bypassrls password 'x'")
    role = await asyncpg.connect(fresh_url, user=name, password="x")
    try:
        with pytest.raises(UnsafeDatabase, match="BYPASSRLS"):
            await boot_guard(role, "probe")
    finally:
        await role.close()
        await admin.execute(f"drop role {name}")
        await admin.close()


async def test_a_service_that_is_refused_leaves_no_connection_behind(kernel: Suite, fresh_url: str):
    admin = await asyncpg.connect(fresh_url)
    await admin.execute("alter table probe.notes disable row level security")
    running = kernel["probe"]
    guarded = ServiceRuntime(
        running.service, dsn=fresh_url, settings=running.settings, transport=kernel.transport,
        verifier=running.app.state.edge.verifier,
    )  # fmt: skip

    with pytest.raises(UnsafeDatabase):
        await guarded.start()

    async def alone() -> bool:  # a server process ends a moment after its connection
        count = "select count(*) from pg_stat_activity where datname = current_database()"
        return await admin.fetchval(count) == 1

    await eventually(alone)
    await admin.close()


async def test_databases_of_one_server_may_be_migrated_at_the_same_moment(admin_url: str):
    names = [f"probe_{new_id().hex}" for _ in range(4)]
    urls = [await postgres.create_database(admin_url, name) for name in names]
    for url in urls:  # alembic itself takes one database at a time in a process
        await migrate_all(url, [PROBE])

    for _ in range(5):
        await asyncio.gather(*(migrate_all(url, [PROBE]) for url in urls))

    for name in names:
        await postgres.drop_database(admin_url, name)


async def test_a_connection_that_breaks_while_it_is_made_ready_is_an_absent_database(
    one_connection: Database, monkeypatch: pytest.MonkeyPatch
):
    """SQLAlchemy prepares each connection by statements of its own, and wraps what they meet."""

    async def breaking() -> None:
        raise InterfaceError("select 1", {}, asyncpg.InterfaceError("connection is closed"))

    with monkeypatch.context() as patched:
        patched.setattr(
            one_connection,
            "_engine",
            SimpleNamespace(connect=breaking, dispose=one_connection._engine.dispose),
        )
        with pytest.raises(DatabaseAway):
            await one_connection.transaction(None).__aenter__()

    assert one_connection.in_use == 0
