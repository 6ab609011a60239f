"""One open transaction: its two doors, and parts of it that may fail alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.base.database_errors import cause_of
from shared.database.number_blocks import NumberBlocks
from shared.database.sealing import Keyring


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection by its two doors."""

    connection: AsyncConnection
    sql: asyncpg.Connection


@dataclass(slots=True)
class Transaction:
    """One open transaction with its tenant set; committed or rolled back only by `Database.transaction`."""

    connected: Connected
    tenant_id: UUID | None
    leases: NumberBlocks
    keyring: Keyring | None = None
    sql: asyncpg.Connection = field(init=False)
    _session: AsyncSession | None = field(default=None)

    def __post_init__(self) -> None:
        """Have the door of the hot paths at hand."""
        self.sql = self.connected.sql

    @property
    def session(self) -> AsyncSession:
        """A SQLModel session inside this transaction, made at first use."""
        if self._session is None:
            self._session = AsyncSession(bind=self.connected.connection, expire_on_commit=False)
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
        """A part that may fail alone: its statements are undone, the transaction goes on.

        When it fails, SQLModel objects read or changed before it are let go of; read them again.
        """
        await self.flush()
        await self.sql.execute("savepoint part")
        try:
            yield
            await self.flush()
        except BaseException as error:
            await self._undo_part()
            if isinstance(error, DBAPIError):
                raise cause_of(error) from error
            raise
        await self.sql.execute("release savepoint part")

    async def _undo_part(self) -> None:
        """Back to the savepoint, with a session that knows nothing of what was undone."""
        await self.close_session()
        self._session = None
        if not self.sql.is_closed():
            await self.sql.execute("rollback to savepoint part; release savepoint part")
