"""The notifier between processes: who commits work wakes those in other processes who do it.

Of a service that is facts for its relays, jobs, and events that are held; of PgTransport it is messages. Everybody
looks for work every two seconds anyway; the bell takes that wait away. It is a NOTIFY on a connection of its own,
*after* the commit and at most fifty times a second per process: inside the business transaction it would take
PostgreSQL's one lock for notifications at every commit. A bell that is not heard (a broken connection, a restart)
costs the wait and nothing else, so nothing here is retried; who listens again looks once for everything.
"""

import asyncio
from collections.abc import Callable, Mapping

import asyncpg
import structlog

from shared.base.database_errors import DATABASE_ERRORS
from shared.base.error_text import error_text
from shared.base.loops import pause
from shared.database.pool import Database

log = structlog.get_logger()
REST_SECONDS = 0.02
CHECK_SECONDS = 15.0
AFTER_FAILURE_SECONDS = 1.0


class Notifier:
    """Rings for a service's other processes, and hears them."""

    def __init__(self, service: str, worker: Database, heard: Mapping[str, Callable[[], None]]) -> None:
        """`heard` says what is to be done when another process has rung for what."""
        self._service = service
        self._channel = f"backoffice_outbox_{service}"
        self._worker = worker
        self._heard = heard
        self._rung = asyncio.Event()
        self._what: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Connect, listen and ring from now on."""
        self._task = asyncio.create_task(self._run(), name=f"doorbell:{self._service}")

    def ring(self, what: str) -> None:
        """Something of that kind was just committed; costs nothing where no doorbell was started."""
        self._what.add(what)
        self._rung.set()

    async def stop(self) -> None:
        """Hang up, after a last ring if there is something to ring for."""
        if self._task is not None:
            if self._what:
                await asyncio.sleep(2 * REST_SECONDS)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        missed = False
        while True:
            try:
                async with self._worker.dedicated() as sql:
                    sql.add_termination_listener(
                        lambda _: self._rung.set()
                    )  # else it would be noticed when we ring
                    await sql.add_listener(self._channel, self._on_ring)
                    if missed:  # nobody knows what was rung meanwhile
                        for heard in self._heard.values():
                            heard()
                    await self._ring_when_asked(sql)
            except DATABASE_ERRORS as error:
                missed = True
                log.info("doorbell interrupted", service=self._service, error=error_text(error))
                await asyncio.sleep(AFTER_FAILURE_SECONDS)

    async def _ring_when_asked(self, sql: asyncpg.Connection) -> None:
        while True:
            await pause(self._rung, CHECK_SECONDS)
            if self._rung.is_set():
                self._rung.clear()  # before ringing: what is committed from here on rings again
                what, self._what = self._what, set()
                await sql.execute("select pg_notify($1, w) from unnest($2::text[]) w", self._channel, [*what])
                await asyncio.sleep(REST_SECONDS)
            else:
                await sql.execute("select 1")  # a connection that died in silence would hear nothing for ever

    def _on_ring(self, connection: asyncpg.Connection, sender: int, _: str, what: str) -> None:
        if sender != connection.get_server_pid() and what in self._heard:
            self._heard[what]()
