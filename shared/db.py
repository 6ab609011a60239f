"""Transactions: one per request or message, tenant set with the BEGIN, two doors into it.

The pool is SQLAlchemy's, with driver-level autocommit: the transaction's BEGIN, COMMIT and ROLLBACK are sent
here, so plain SQL (`tx.sql`, asyncpg) and SQLModel sessions (`tx.session`) share one transaction and one
connection. Measured against letting SQLAlchemy drive: 348 µs against 721 µs CPU per small transaction, see
docs/adr/0002.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.tables import TenantRow

STATEMENT_TIMEOUT = "30s"
LOCK_TIMEOUT = "10s"
IDLE_IN_TRANSACTION_TIMEOUT = "60s"


@dataclass(slots=True)
class Transaction:
    """One open transaction with its tenant set; committed or rolled back only by `Database.transaction`."""

    connection: AsyncConnection
    sql: asyncpg.Connection
    tenant_id: UUID | None
    _session: AsyncSession | None = field(default=None)

    @property
    def session(self) -> AsyncSession:
        """A SQLModel session inside this transaction, made at first use."""
        if self._session is None:
            self._session = AsyncSession(bind=self.connection, expire_on_commit=False)
            self._session.sync_session.info["tenant_id"] = self.tenant_id
        return self._session

    async def flush(self) -> None:
        """Send pending SQLModel changes, so that plain SQL sees them."""
        if self._session is not None:
            await self._session.flush()

    async def close_session(self) -> None:
        """Let go of the session's objects; the transaction itself is not touched."""
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that may fail alone: its statements are undone, the transaction goes on."""
        await self.flush()
        async with self.sql.transaction():
            yield
            await self.flush()


@event.listens_for(Session, "do_orm_execute")
def _add_tenant_filter(state: ORMExecuteState) -> None:
    """Give the planner the tenant as a value; row-level security stays the backstop."""
    tenant_id = state.session.info.get("tenant_id")
    if tenant_id is not None and state.is_select and not state.is_column_load:
        tables = [m.class_ for m in state.all_mappers if issubclass(m.class_, TenantRow)]
        criteria = (with_loader_criteria(t, t.tenant_id == tenant_id, include_aliases=True) for t in tables)
        state.statement = state.statement.options(*criteria)


class Database:
    """A service's pool under one role."""

    def __init__(self, dsn: str, *, user: str, password: str, size: int, application_name: str) -> None:
        async def connect(*_: Any, **__: Any) -> asyncpg.Connection:  # noqa: ANN401
            return await asyncpg.connect(
                dsn,
                user=user,
                password=password,
                timeout=10,
                server_settings={"application_name": application_name, "jit": "off"},
            )

        self.role = user
        self.engine: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=connect,
            isolation_level="AUTOCOMMIT",
            pool_size=size,
            max_overflow=0,
            pool_timeout=15,
            pool_reset_on_return=None,
            pool_use_lifo=True,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()

    @asynccontextmanager
    async def transaction(
        self, tenant_id: UUID | None, *, provider: bool = False
    ) -> AsyncIterator[Transaction]:
        """Open a transaction for a tenant; commit when the block ends well, roll back when it does not.

        Without a tenant only tables and policies made for the worker roles can be touched; anything else raises.
        """
        connection = await self._checkout()
        healthy = False
        try:
            raw = await connection.get_raw_connection()
            sql: asyncpg.Connection = raw.driver_connection
            await sql.execute(_begin(tenant_id, provider))
            transaction = Transaction(connection, sql, tenant_id)
            try:
                yield transaction
                await transaction.flush()
                await sql.execute("commit")
                healthy = True
            except DBAPIError as error:
                healthy = await _rolled_back(sql)
                raise _cause(error) from error
            except BaseException:
                healthy = await _rolled_back(sql)
                raise
            finally:
                await transaction.close_session()
        finally:
            if not healthy:
                await connection.invalidate()
            await connection.close()

    async def _checkout(self) -> AsyncConnection:
        """A live connection: one that the server has closed meanwhile (a restart) is replaced."""
        while True:
            connection = await self.engine.connect()
            raw = await connection.get_raw_connection()
            if not raw.driver_connection.is_closed():
                return connection
            await connection.invalidate()
            await connection.close()


def _cause(error: DBAPIError) -> Exception:
    """The driver's own error below SQLAlchemy's wrappers, so that both doors fail alike."""
    cause = error.orig.__cause__ if error.orig is not None else None
    return cause if isinstance(cause, asyncpg.PostgresError | asyncpg.InterfaceError | OSError) else error


async def _rolled_back(sql: asyncpg.Connection) -> bool:
    """Undo the transaction; a connection that cannot even do that is thrown away by the caller."""
    try:
        if sql.is_closed():
            return False
        await sql.execute("rollback")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return False
    return True


def _begin(tenant_id: UUID | None, provider: bool) -> str:
    """BEGIN with the tenant in one round trip; a UUID's text cannot carry SQL."""
    statements = "begin"
    if tenant_id is not None:
        statements += f"; select set_config('app.tenant_id', '{UUID(str(tenant_id))}', true)"
    if provider:
        statements += "; select set_config('app.provider', 'on', true)"
    return statements
