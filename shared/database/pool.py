"""Transactions: one per request or message, tenant set with the BEGIN, two doors into it.

SQLAlchemy's connections stay checked out for as long as they live, with driver-level autocommit: the transaction's
BEGIN, COMMIT and ROLLBACK are sent here, so plain SQL (`tx.sql`, asyncpg) and SQLModel sessions (`tx.session`)
share one transaction and one connection, and plain SQL pays for neither. Measured against letting SQLAlchemy
drive: 348 µs against 721 µs CPU per small transaction, see docs/adr/0002. Tenants take their turns before the pool,
each with a share of it (docs/adr/0033): who holds a transaction never opens a second one.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.base.database_errors import BROKEN, DATABASE_ERRORS, cause_of
from shared.base.database_errors import REPEATABLE as REPEATABLE
from shared.base.fair_share import FairShare, NoPlace, ShareExhausted
from shared.base.loops import in_flight
from shared.database.number_blocks import NumberBlocks
from shared.database.sealing import Keyring
from shared.database.transaction import Connected
from shared.database.transaction import Transaction as Transaction
from shared.values.faults import DatabaseAway as DatabaseAway

STATEMENT_TIMEOUT = "30s"
LOCK_TIMEOUT = "10s"
IDLE_IN_TRANSACTION_TIMEOUT = "60s"
STATEMENT_SECONDS = 60.0  # longer than any statement may take: then the network or the server is gone
CONNECT_SECONDS = 10.0
CONNECT_TRIES = 3
WAIT_SECONDS = 10.0  # for a connection of the pool, where somebody waits for the answer
# One plan per statement, kept: every statement here names its tenant and its key, and planning it anew at each call
# (which PostgreSQL prefers for arrays) cost a tenth of the server's time per order. Kept plans read by index, however
# small the table looked on the day they were made: a join that reads a whole young table costs more each day.
SETTINGS = {
    "jit": "off", "plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "random_page_cost": "1.1",
}  # fmt: skip
# Hidden parameters: else the text of an error tells the values of its statement.
ENGINE: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "poolclass": NullPool, "hide_parameters": True}


class PoolExhausted(DatabaseAway):
    """Every connection of the pool is in use, and none came back in time."""


class ShareUsedUp(PoolExhausted):
    """The tenant's share of the pool is in use, and as many of its transactions wait, or for as long, as may be."""


class NothingCommitted(RuntimeError):  # noqa: N818 - named for what happened
    """A statement had failed and somebody swallowed that: PostgreSQL answered COMMIT with a rollback."""


class Database:
    """A service's pool under one role."""

    def __init__(
        self,
        dsn: str,
        *,
        user: str,
        password: str,
        size: int,
        application_name: str,
        shared_out: bool = False,
    ) -> None:
        """`size`: connections at most; `shared_out`: tenants use it, and one of them has at most half."""

        async def connect(*_: Any, **__: Any) -> asyncpg.Connection:  # noqa: ANN401
            try:
                return await asyncpg.connect(
                    dsn,
                    user=user,
                    password=password,
                    timeout=CONNECT_SECONDS,
                    command_timeout=STATEMENT_SECONDS,
                    server_settings={"application_name": application_name, **SETTINGS},
                )
            except DATABASE_ERRORS as error:
                raise DatabaseAway(f"no connection: {error!r}") from error

        self.role = user
        self.keyring: Keyring | None = None  # of sealed columns, where the service has some
        self._size = size
        self._connect = connect
        self.leases = NumberBlocks(connect)
        self._idle: list[Connected] = []
        self.places = FairShare(size, of_one=None if shared_out else size)
        self._in_use = 0
        self._closed = False
        self._engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, **ENGINE)

    @property
    def in_use(self) -> int:
        """How many connections are at work."""
        return self._in_use

    async def close(self) -> None:
        """Close every connection; one that is in use closes when it is given back."""
        self._closed = True
        await self.leases.close()
        while self._idle:
            await self._idle.pop().connection.close()
        await self._engine.dispose()

    @asynccontextmanager
    async def transaction(
        self, tenant_id: UUID | None, *, provider: bool = False, patient: bool = False
    ) -> AsyncIterator[Transaction]:
        """Open a transaction for a tenant; commit when the block ends well, roll back when it does not.

        Without a tenant only tables and policies made for the worker roles can be touched; anything else raises.
        Raises `ShareUsedUp` or `PoolExhausted` when no connection is free for it in time; `patient` work, for whose
        answer nobody waits, has its turn however long that takes.
        """
        transaction = await self._opened(tenant_id, provider, patient)
        sql = transaction.sql
        healthy = False
        try:
            try:
                yield transaction
                await transaction.flush()
                if await sql.execute("commit") != "COMMIT":
                    raise NothingCommitted("a statement failed before and the transaction was rolled back")
                healthy = True
            except BaseException as error:
                healthy = await _rolled_back(sql)
                cause = cause_of(error) if isinstance(error, DBAPIError) else error
                if not healthy and isinstance(cause, BROKEN):
                    raise DatabaseAway(f"the connection broke: {cause!r}") from error
                if cause is error:
                    raise
                raise cause from error
            finally:
                await transaction.close_session()
        finally:
            await self._give_back(transaction.connected, tenant_id, healthy=healthy)

    async def _opened(self, tenant_id: UUID | None, provider: bool, patient: bool) -> Transaction:
        """Begin on a live connection: what a restart of the server has left dead in the pool is replaced."""
        begin = _begin(tenant_id, provider)
        for _ in range(self._size + CONNECT_TRIES):
            connected = await self._checked_out(tenant_id, patient)
            began = False
            try:
                if not connected.sql.is_closed():
                    await connected.sql.execute(begin)
                    began = True
                    return Transaction(connected, tenant_id, self.leases, self.keyring)
            except BROKEN:
                continue  # the server has let go of it meanwhile: the next one
            finally:
                if not began:
                    await self._give_back(connected, tenant_id, healthy=False)
        raise DatabaseAway("the server closes every connection")

    async def repeatable(self, statement: str, *values: object) -> list[asyncpg.Record]:
        """One statement that is a transaction of its own: a third of the round trips, for loops that look and publish.

        Under roles that need no tenant. What a restart of the server has left dead in the pool is replaced and the
        statement done again, so it must do no harm when it takes effect twice.
        """
        for _ in range(self._size + CONNECT_TRIES):
            connected = await self._checked_out(None, patient=False)
            healthy = False
            try:
                rows: list[asyncpg.Record] = await connected.sql.fetch(statement, *values)
                healthy = True
            except BROKEN:
                if not connected.sql.is_closed():
                    raise
            else:
                return rows
            finally:
                await self._give_back(connected, None, healthy=healthy)
        raise DatabaseAway("the server closes every connection")

    async def _checked_out(self, tenant_id: UUID | None, patient: bool) -> Connected:
        """A connection of the pool, the one used last, or a new one, when it is the tenant's turn."""
        try:
            await self.places.take(tenant_id, within=None if patient else WAIT_SECONDS, patient=patient)
        except ShareExhausted as error:
            raise ShareUsedUp("the tenant's share of the connections is in use") from error
        except NoPlace as error:
            raise PoolExhausted("every connection is in use") from error
        self._in_use += 1
        in_flight.count += 1
        if self._idle:
            return self._idle.pop()
        try:
            connection = await self._engine.connect()
            sql = (await connection.get_raw_connection()).driver_connection
        except BaseException as error:
            self._release(tenant_id)
            if isinstance(error, BROKEN):  # SQLAlchemy wraps what broke while it made the connection ready
                raise DatabaseAway(f"no connection: {error!r}") from error
            raise
        return Connected(connection, sql)

    async def _give_back(self, connected: Connected, tenant_id: UUID | None, *, healthy: bool) -> None:
        """Back into the pool, or out of the world when its state is not known."""
        try:
            if healthy and not self._closed:
                self._idle.append(connected)
                return
            if not healthy:
                await connected.connection.invalidate()
            await connected.connection.close()
        finally:
            self._release(tenant_id)

    def _release(self, tenant_id: UUID | None) -> None:
        self._in_use -= 1
        in_flight.count -= 1
        self.places.give_back(tenant_id)

    @asynccontextmanager
    async def dedicated(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection outside the pool, for who holds session locks for as long as it lives."""
        sql = await self._connect()
        try:
            yield sql
        finally:
            with suppress(*DATABASE_ERRORS):
                await sql.close(timeout=2)


async def _rolled_back(sql: asyncpg.Connection) -> bool:
    """Undo the transaction; a connection that cannot even do that is thrown away by the caller."""
    try:
        if sql.is_closed():
            return False
        await sql.execute("rollback")
    except BROKEN:
        return False
    return True


def _begin(tenant_id: UUID | None, provider: bool) -> str:
    """BEGIN with the tenant in one round trip; a UUID's text cannot carry SQL."""
    statements = "begin"
    if tenant_id is not None:
        statements += f"; set local app.tenant_id = '{UUID(str(tenant_id))}'"
    if provider:
        statements += "; set local app.provider = 'on'"
    return statements
