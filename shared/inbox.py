"""The inbox: every event takes effect once, in lane order, or is visibly held.

One row per consumer and event. Its insert, the handler's effect and new facts are one transaction; the message
is acknowledged after the commit. A failing event is stored as `retry` with a growing, jittered pause; later
events of its lane wait behind it while other lanes flow. After the last try it is `dead`: listed, replayed or
discarded by an operator.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import asyncpg
import structlog
from opentelemetry.trace import SpanKind

from shared import telemetry
from shared.bus import Delivery
from shared.ctx import SYSTEM, Actor, Ctx
from shared.db import REPEATABLE, Database, DatabaseAway, Transaction
from shared.events import Envelope, Event, UnreadableEvent, read_envelope
from shared.ids import new_id
from shared.inbox_sql import COUNT, DONE, DUE, HELD, HOLD, TAKE, TAKE_AGAIN
from shared.loops import pause, repeat
from shared.settings import KernelSettings
from shared.tenants import Tenants
from shared.work import leave_work

log = structlog.get_logger()
Handler = Callable[[Ctx, Event], Awaitable[object]]


class Inbox:
    """Consumes events for one service."""

    def __init__(
        self,
        service: str,
        app: Database,
        worker: Database,
        handlers: Mapping[type[Event], Sequence[Handler]],
        tenants: Tenants,
        settings: KernelSettings,
        wake_relay: Callable[[], None],
    ) -> None:
        self._service = service
        self._app = app
        self._worker = worker
        self._handlers = {contract.type: (contract, tuple(found)) for contract, found in handlers.items()}
        self._tenants = tenants
        self._settings = settings
        self._wake_relay = wake_relay
        self._wake = asyncio.Event()

    @property
    def types(self) -> list[str]:
        """The event types this service wants."""
        return sorted(self._handlers)

    async def deliver(self, delivery: Delivery) -> None:
        """Handle one message from the transport; returning acknowledges it."""
        try:
            event, document = read_envelope(delivery.text)
        except UnreadableEvent as error:
            await self._park_unreadable(delivery.text, str(error))
            return
        if delivery.redelivered:
            await self._take_again(event)
            return
        try:
            outcome = await self._take_patiently(event, document)
        except DatabaseAway:
            raise  # that is not the event's fault, so it comes again uncounted
        except Exception as error:  # noqa: BLE001 - whatever a handler raises, the event must stay visible
            await self._hold(event, "retry", 1, error)
            outcome = "retry"
        self._count(outcome)

    async def _take_patiently(self, event: Envelope, document: Mapping[str, object]) -> str:
        """Take the event; a deadlock is nobody's fault, so then once more with what it meets."""
        with suppress(*REPEATABLE):
            return await self._take(event, document)
        return await self._take(event, document)

    def _count(self, outcome: str) -> None:
        telemetry.CONSUMED.labels(self._service, outcome).inc()

    async def _take(self, event: Envelope, document: Mapping[str, object]) -> str:
        """The good path: inbox row, effect and new facts in one transaction."""
        async with self._app.transaction(event.tenant_id) as tx:
            row = await tx.sql.fetchrow(
                TAKE, event.tenant_id, self._service, event.id, event.lane, event.type
            )
            if not row["taken"]:
                if row["held"]:
                    await self._write_held(tx, event, "waiting", 0, None, None)
                    return "waiting"
                return "duplicate"
            facts = await self._apply(tx, event, document)
        self._committed(facts, document)
        return "done"

    async def _apply(self, tx: Transaction, event: Envelope, document: Mapping[str, object]) -> bool:
        """Run every function that wants this event, in the given transaction."""
        contract, functions = self._handlers[event.type]
        with telemetry.span(
            f"consume {event.type}", link=event.traceparent, kind=SpanKind.CONSUMER
        ) as traceparent:
            ctx = Ctx(
                service=self._service,
                tx=tx,
                tenant=await self._tenants.facts(tx, event.tenant_id),
                actor=Actor(
                    f"system:{self._service}", SYSTEM.kind, str(document.get("actorid") or "") or None
                ),
                scopes=frozenset(),
                now=await self._tenants.now(tx, event.tenant_id),
                request_id=str(document.get("correlationid") or event.id),
                traceparent=traceparent,
                causation_id=str(event.id),
                correlation_id=str(document.get("correlationid") or event.id),
            )
            payload = contract.model_validate(document["data"])
            for function in functions:
                await function(ctx, payload)
            return await leave_work(ctx)

    def _committed(self, facts: bool, document: Mapping[str, object]) -> None:
        if facts:
            self._wake_relay()
        try:
            told = datetime.fromisoformat(str(document["time"]))
        except (KeyError, ValueError):
            return
        telemetry.EVENT_LAG.labels(self._service).observe(
            max(0.0, (datetime.now(UTC) - told).total_seconds())
        )

    async def _hold(self, event: Envelope, state: str, attempts: int, error: BaseException) -> None:
        """Store a failing event with its next try."""
        log.warning(
            "event failed",
            service=self._service,
            type=event.type,
            event_id=str(event.id),
            tenant_id=str(event.tenant_id),
            trace_id=telemetry.trace_id(event.traceparent),
            attempts=attempts,
            error=_sentence(error),
        )
        async with self._app.transaction(event.tenant_id) as tx:
            await self._write_held(tx, event, state, attempts, self._next_try(attempts), _sentence(error))

    async def _write_held(
        self,
        tx: Transaction,
        event: Envelope,
        state: str,
        attempts: int,
        next_at: datetime | None,
        error: str | None,
    ) -> None:
        if attempts >= self._settings.consumer_attempts:
            state, next_at = "dead", None
        await tx.sql.execute(
            HOLD, event.tenant_id, self._service, event.id, event.lane, event.type, state, attempts, next_at,
            error, event.text,
        )  # fmt: skip

    def _next_try(self, attempts: int) -> datetime:
        pause = self._settings.consumer_backoff_seconds * 2 ** min(attempts - 1, 12)
        return datetime.now(UTC) + timedelta(seconds=pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter

    async def _take_again(self, event: Envelope) -> None:
        """An earlier delivery may have killed the process: go on through the retry path, where tries are counted
        *before* they are made. What was done or held already stays as it is."""
        async with self._app.transaction(event.tenant_id) as tx:
            await tx.sql.execute(
                TAKE_AGAIN, event.tenant_id, self._service, event.id, event.lane, event.type,
                "delivery was cut short", event.text,
            )  # fmt: skip
        self.wake()

    async def _park_unreadable(self, text: str, error: str) -> None:
        log.error("unreadable message parked", service=self._service, error=error)
        async with self._worker.transaction(None) as tx:
            await tx.sql.execute(
                "insert into unreadable_messages (id, consumer, body, error) values ($1, $2, $3, $4)",
                new_id(),
                self._service,
                text.replace("\x00", "\ufffd"),
                error,
            )

    @property
    def due(self) -> asyncio.Event:
        """Set when something may be due before the next poll."""
        return self._wake

    def wake(self) -> None:
        """Something may be due now: look at once instead of at the next poll."""
        self._wake.set()

    async def retry_due(self) -> int:
        """Try again what is due, and what waits behind nothing any more; answers how many were taken up."""
        self._wake.clear()
        async with self._worker.transaction(None) as tx:
            rows = await tx.sql.fetch(DUE, self._service, 100)
        taken = 0
        for row in rows:
            taken += await self._retry(row)
        return taken

    async def _retry(self, row: asyncpg.Record) -> bool:
        """One counted try; answers whether it fell to this process."""
        event, document = read_envelope(row["envelope"])
        attempts = row["attempts"] + 1
        async with self._app.transaction(event.tenant_id) as tx:
            counted = await tx.sql.fetchval(
                COUNT,
                event.tenant_id,
                self._service,
                event.id,
                row["attempts"],
                attempts,
                self._next_try(attempts),
            )
        if not counted:
            return False  # another process has it
        if attempts > self._settings.consumer_attempts:
            await self._failed_again(
                event, attempts - 1, RuntimeError(f"the process died in try {attempts - 1}")
            )
            return True
        try:
            async with self._app.transaction(event.tenant_id) as tx:
                done = await tx.sql.fetchval(DONE, event.tenant_id, self._service, event.id)
                if not done:
                    return True
                facts = await self._apply(tx, event, document)
            self._committed(facts, document)
            self._count("done")
        except DatabaseAway:
            raise
        except Exception as error:  # noqa: BLE001 - stays visible as retry or dead
            await self._failed_again(event, attempts, error)
        return True

    async def _failed_again(self, event: Envelope, attempts: int, error: BaseException) -> None:
        state = "dead" if attempts >= self._settings.consumer_attempts else "retry"
        log.warning("event failed again", service=self._service, event_id=str(event.id), state=state,
                    attempts=attempts, error=_sentence(error))  # fmt: skip
        async with self._app.transaction(event.tenant_id) as tx:
            await tx.sql.execute(
                "update inbox set state = $4, error = $5, attempts = $6 where tenant_id = $1 and consumer = $2 "
                "and event_id = $3 and state in ('retry', 'waiting')",
                event.tenant_id,
                self._service,
                event.id,
                state,
                _sentence(error),
                attempts,
            )
        self._count(state)

    async def report(self) -> None:
        """Publish how much is held, and for how long."""
        async with self._worker.transaction(None) as tx:
            rows = await tx.sql.fetch(HELD, self._service)
        for state in ("retry", "waiting", "dead"):
            found = next((r for r in rows if r["state"] == state), None)
            telemetry.INBOX_HELD.labels(self._service, state).set(found["n"] if found else 0)
            if state == "retry":
                telemetry.INBOX_AGE.labels(self._service).set(found["age"] if found else 0)


def _sentence(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:2000].replace("\x00", "\ufffd")


async def run_retries(inbox: Inbox, stopping: asyncio.Event, poll_seconds: float) -> None:
    """Look for due retries until told to stop."""

    async def look() -> bool:
        taken = await inbox.retry_due()
        await inbox.report()
        if not taken and not stopping.is_set():
            await pause(inbox.due, poll_seconds)
        return True

    await repeat("retries", look, stopping, poll_seconds)
