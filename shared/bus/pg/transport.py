"""PgTransport: events through a table, for one machine without a broker; a kill -9 loses nothing.

`bus.bindings` says which queue wants which type, `bus.messages` holds a row per queue and message until it is
acknowledged, `bus.unrouted` what nobody wanted. The one consumer of a queue owns an advisory lock on a
connection of its own; `bus.progress` remembers how far it has handed messages out, so that its successor can
tell those that may have been begun from those that merely waited.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence

import asyncpg

from shared.base.database_errors import DATABASE_ERRORS
from shared.bus.pg.consumer import LOCK_SPACE, PgSubscription
from shared.bus.pg.schema import ROLE, SCHEMA
from shared.bus.transport import Deliver, PublishError, Subscription
from shared.contracts.event import Envelope
from shared.database.notifier import Notifier
from shared.database.pool import Database
from shared.database.rls import make_roles, no_place_for_tables, quoted, require_no_place_for_tables

UNROUTED_DAYS = 7  # kept for who wonders where a fact went; RabbitMQ's policy has the same
TRIM_SECONDS = 3600.0
MESSAGES = "messages"  # what the notifier is rung for

PUBLISH = """
with given as (
  select * from unnest($1::text[], $2::text[], $3::text[]) with ordinality as g(ordering_key, type, body, n)
), routed as (
  insert into messages (queue, ordering_key, type, body)
  select b.queue, g.ordering_key, g.type, g.body from given g join bindings b using (type) order by g.n
)
insert into unrouted (ordering_key, type, body)
select g.ordering_key, g.type, g.body from given g
where not exists (select from bindings b where b.type = g.type) order by g.n
"""

TRIM = """
delete from unrouted where seq in (
  select seq from unrouted where enqueued_at < now() - make_interval(days => $1) order by seq limit 10000)
"""

UNBIND = "delete from bus.bindings where queue = $1 and type <> all($2::text[])"
BIND = "insert into bus.bindings (queue, type) select $1, unnest($2::text[]) on conflict do nothing"


async def migrate(
    admin_dsn: str, *, password: str, bindings: Mapping[str, Sequence[str]] | None = None
) -> None:
    """Create the bus schema and its role; safe to run again.

    `bindings` (queue to event types) are kept at once: no fact is unrouted because its consumer is yet to start. Only
    this unbinds: a process of the release before, started again in the middle of an upgrade, must not unbind what
    its successor waits for.
    """
    sql = await asyncpg.connect(admin_dsn)
    try:
        await sql.execute("select pg_advisory_lock($1)", LOCK_SPACE)
        await make_roles(
            sql, f"{SCHEMA} alter role {ROLE} password {quoted(password)}; {no_place_for_tables(ROLE)}"
        )
        await require_no_place_for_tables(sql, ROLE)
        for queue, types in (bindings or {}).items():
            await sql.execute(UNBIND, queue, list(types))
            await sql.execute(BIND, queue, list(types))
    finally:
        await sql.close()


class PgTransport:
    """Carries events in the `bus` schema of a PostgreSQL database."""

    def __init__(
        self,
        dsn: str,
        *,
        password: str,
        poll_seconds: float = 0.25,
        linger_seconds: float = 0.0,
        size: int = 8,
        among_others: bool = False,
    ) -> None:
        """`among_others`: consumers of other processes are to hear of what is published here, and ours of theirs."""
        self._poll = poll_seconds
        self._linger = linger_seconds
        self._database = Database(
            dsn,
            user=ROLE,
            password=password,
            size=size,
            application_name="backoffice-bus",
        )
        self._wakes: set[asyncio.Event] = set()
        self._doorbell = Notifier("bus", self._database, {MESSAGES: self._wake})
        self._among_others = among_others
        self._next_trim = 0.0

    async def start(self) -> None:
        """Check that the bus is reachable."""
        async with self._database.transaction(None) as tx:
            await tx.sql.fetchval("select count(*) from bindings")
        if self._among_others:
            self._doorbell.start()

    async def close(self) -> None:
        """Close the pool."""
        await self._doorbell.stop()
        await self._database.close()

    async def publish(self, messages: Sequence[Envelope]) -> list[PublishError | None]:
        """Insert all messages in one statement; either all are taken or none."""
        try:
            if time.monotonic() >= self._next_trim:
                await self._database.repeatable(TRIM, UNROUTED_DAYS)
                self._next_trim = time.monotonic() + TRIM_SECONDS
            await self._database.repeatable(
                PUBLISH,
                [m.ordering_key for m in messages],
                [m.type for m in messages],
                [m.text for m in messages],
            )
        except DATABASE_ERRORS as error:
            refused = PublishError(str(error))
            return [refused for _ in messages]
        self._wake()
        self._doorbell.ring(MESSAGES)
        return [None for _ in messages]

    def _wake(self) -> None:
        for wake in self._wakes:
            wake.set()

    async def subscribe(
        self, queue: str, types: Sequence[str], deliver: Deliver, *, concurrency: int
    ) -> Subscription:
        """Bind the queue and start its consumer."""
        async with self._database.transaction(None) as tx:
            await tx.sql.execute(
                "insert into bindings (queue, type) select $1, unnest($2::text[]) on conflict do nothing",
                queue,
                list(types),
            )
            await tx.sql.execute(
                "insert into progress (queue, handed) values ($1, 0) on conflict do nothing", queue
            )
        return PgSubscription(
            self._database, queue, deliver, self._wakes, self._poll, self._linger, concurrency
        )
