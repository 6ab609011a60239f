"""The inbox: every event takes effect once, in the order of its key, or is visibly held.

One row per consumer and event. Its insert, the handler's effect and new facts are one transaction; the message
is acknowledged after the commit. Under load events of one tenant whose functions take several at once (`on_batch`)
share a transaction, as many as are not too heavy together; if any of them fails, each is taken alone. A failing event
is stored as `retry` with a growing, jittered pause; later events of its ordering key wait behind it while others flow.
After the last try it is `dead`: listed, replayed or discarded by an operator.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from shared.base import telemetry
from shared.base.batcher import Batcher, RoundSize
from shared.base.error_text import error_text
from shared.base.fair_share import FairShare
from shared.base.loops import LoopAlarm
from shared.bus.transport import Delivery
from shared.context.unit_of_work import Runtime, open_work
from shared.contracts.event import Envelope, Event, UnreadableEvent, read_envelope
from shared.database.pool import REPEATABLE, DatabaseAway, Transaction
from shared.messaging.event_handlers import EventHandlers, Handler, Handlers, Received
from shared.messaging.inbox_sql import HOLD, TAKE, TAKE_AGAIN
from shared.values.ids import new_id

log = structlog.get_logger()
BATCH_LIMIT = 64  # events of one tenant in one transaction at most
BATCH_BYTES = (
    256 * 1024
)  # of their envelopes together: what an event has done grows with the lines it tells of
WAITING_SECONDS = 0.25  # how soon after an event was put behind another one that is looked at
BATCH_SECONDS = 2.0  # a round that takes longer is given up: a slow event must not hold the others


class BatchFailed(Exception):  # noqa: N818 - named for what happened
    """Events that shared a transaction failed, whichever of them was at fault."""


class Inbox:
    """Consumes events for one service."""

    def __init__(
        self,
        runtime: Runtime,
        handlers: Mapping[type[Event], Sequence[Handler]],
        tell_others: Callable[[], None] = lambda: None,
    ) -> None:
        """`tell_others` is called when the service's other processes are to look for retries, too."""
        self._runtime = runtime
        self._service = runtime.name
        self.event_handlers = EventHandlers(runtime.name, handlers)
        self._settings = runtime.settings
        self._tell_others = tell_others
        self.alarm = LoopAlarm()  # rings when something may be due before the next poll
        self._turns = FairShare(runtime.settings.consumer_concurrency)
        self._batcher: Batcher[tuple[UUID, Handlers], Received, str] = Batcher(
            self._take_batch,
            key_of=lambda received: received[0].ordering_key,
            weight_of=lambda received: len(received[0].text),
            most=RoundSize(BATCH_LIMIT, BATCH_BYTES),
            turns=self._turns,
        )

    @property
    def types(self) -> list[str]:
        """The event types this service wants."""
        return self.event_handlers.types

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
        if outcome == "waiting":  # what it waits for may have ended meanwhile: then nobody else would look
            self.alarm.ring(min(WAITING_SECONDS, self._settings.poll_seconds))
        self.count(outcome)

    async def settle(self) -> None:
        """Wait until no event is being taken; for who has stopped delivering."""
        await self._batcher.drain()

    async def _take_patiently(self, event: Envelope, document: Mapping[str, object]) -> str:
        """Take the event alone, or with others of its tenant where its functions take several at once.

        If those fail together each is taken alone, since then its own fault counts.
        """
        functions = self.event_handlers.shared_by(event.type)
        if functions:
            try:
                return await self._batcher.put((event.tenant_id, functions), (event, document))
            except BatchFailed as error:
                log.debug(
                    "taken alone",
                    service=self._service,
                    event_id=str(event.id),
                    error=error_text(error.__cause__ or error),
                )
        async with self._turns.place(event.tenant_id, patient=True):
            return await self._take_alone((event, document))

    def count(self, outcome: str) -> None:
        """Count what became of an event."""
        telemetry.CONSUMED.labels(self._service, outcome).inc()

    async def _take_batch(self, key: tuple[UUID, Handlers], events: Sequence[Received]) -> Sequence[str]:
        """One batch: all events in one transaction, or none."""
        if len(events) == 1:
            return [await self._take_alone(events[0])]
        try:
            return await self._take(key[0], events, within=BATCH_SECONDS)
        except DatabaseAway:
            raise
        except Exception as error:
            raise BatchFailed from error

    async def _take_alone(self, received: Received) -> str:
        """One event in a transaction of its own; a deadlock is nobody's fault, so then once more."""
        with suppress(*REPEATABLE):
            return (await self._take(received[0].tenant_id, [received]))[0]
        return (await self._take(received[0].tenant_id, [received]))[0]

    async def _take(
        self, tenant_id: UUID, events: Sequence[Received], *, within: float | None = None
    ) -> list[str]:
        """The good path: inbox rows, effects and new facts in one transaction; returns what became of each."""
        outcomes: list[str] = []
        taken: list[Received] = []
        async with open_work(self._runtime, tenant_id, patient=True) as unit, asyncio.timeout(within):
            rows = await unit.tx.sql.fetch(
                TAKE, tenant_id, self._service, [e.id for e, _ in events], [e.ordering_key for e, _ in events],
                [e.type for e, _ in events],
            )  # fmt: skip
            found = {row["event_id"]: row for row in rows}
            for event, document in events:
                row = found[event.id]
                if row["taken"]:
                    taken.append((event, document))
                elif row["held"]:
                    await self._write_held(unit.tx, event, "waiting", 0, None, None)
                outcomes.append("done" if row["taken"] else "waiting" if row["held"] else "duplicate")
            if taken:
                await self.event_handlers.run(unit, taken)
        self.observe_lag(taken)
        return outcomes

    def observe_lag(self, taken: Sequence[Received]) -> None:
        """Measure how long the effects of events took that stand now."""
        for _, document in taken:
            self._observe_lag(document)

    def _observe_lag(self, document: Mapping[str, object]) -> None:
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
            error=error_text(error),
        )
        next_at = self.next_try(attempts)
        async with self._runtime.app_db.transaction(event.tenant_id, patient=True) as tx:
            await self._write_held(tx, event, state, attempts, next_at, error_text(error))
        self.alarm.ring((next_at - datetime.now(UTC)).total_seconds())
        self._tell_others()

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
            HOLD, event.tenant_id, self._service, event.id, event.ordering_key, event.type, state, attempts, next_at,
            error, event.text,
        )  # fmt: skip

    def next_try(self, attempts: int) -> datetime:
        """When to try again after so many tries; the pause doubles, jittered."""
        pause = self._settings.consumer_backoff_seconds * 2 ** min(attempts - 1, 12)
        return datetime.now(UTC) + timedelta(seconds=pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter

    async def _take_again(self, event: Envelope) -> None:
        """An earlier delivery may have killed the process: go on through the retry path, where tries are counted
        *before* they are made. What was done or held already stays as it is."""
        async with self._runtime.app_db.transaction(event.tenant_id, patient=True) as tx:
            await tx.sql.execute(
                TAKE_AGAIN, event.tenant_id, self._service, event.id, event.ordering_key, event.type,
                "delivery was cut short", event.text,
            )  # fmt: skip
        self.wake()

    async def _park_unreadable(self, text: str, error: str) -> None:
        log.error("unreadable message parked", service=self._service, error=error)
        async with self._runtime.worker_db.transaction(None) as tx:
            await tx.sql.execute(
                "insert into unreadable_messages (id, consumer, body, error) values ($1, $2, $3, $4)",
                new_id(),
                self._service,
                text.replace("\x00", "\ufffd"),
                error,
            )

    def wake(self) -> None:
        """Something may be due now: look at once instead of at the next poll."""
        self.alarm.ring()
