"""Retries: events that failed come again with growing pauses, and what waits behind them follows in order."""

import asyncio
from collections.abc import Sequence

import asyncpg
import structlog

from shared.base import telemetry
from shared.base.error_text import error_text
from shared.base.fair_share import FairShare
from shared.base.loops import REPORT_SECONDS, LoopAlarm, Seldom, repeat
from shared.context.unit_of_work import Runtime, open_work
from shared.contracts.event import Envelope, read_envelope
from shared.database.pool import DatabaseAway
from shared.messaging.inbox import Inbox
from shared.messaging.inbox_sql import COUNT, DONE, DUE, HELD

log = structlog.get_logger()


class Retries:
    """Tries held events of one service again."""

    def __init__(self, runtime: Runtime, inbox: Inbox) -> None:
        self._runtime = runtime
        self._service = runtime.name
        self._inbox = inbox
        self._settings = runtime.settings

    @property
    def alarm(self) -> LoopAlarm:
        """Rings when something may be due before the next poll."""
        return self._inbox.alarm

    async def retry_due(self) -> int:
        """Try again what is due, and what waits behind nothing any more; returns how many were taken up."""
        rows = await self._runtime.worker_db.repeatable(DUE, self._service, 100)
        if rows[0]["next_due"] is not None:
            self._inbox.alarm.ring(rows[0]["next_due"])
        if rows[0]["event_id"] is None:
            return 0
        suspects: list[asyncpg.Record] = []
        others: list[asyncpg.Record] = []
        for row in rows:
            (suspects if row["error"] == unended(row["attempts"]) else others).append(row)
        taken = await self._side_by_side(others)
        # One of these may have killed the process that tried it: the others shall not be counted down beside it.
        return taken + sum([await self._retry(row) for row in suspects])

    async def _side_by_side(self, rows: Sequence[asyncpg.Record]) -> int:
        """Each is the first of its ordering key, so they may; after a crash there may be hundreds."""
        turns = FairShare(self._settings.consumer_concurrency)

        async def retried(row: asyncpg.Record) -> bool:
            async with turns.place(row["tenant_id"], patient=True):
                return await self._retry(row)

        taken = await asyncio.gather(*map(retried, rows), return_exceptions=True)
        for outcome in taken:
            if isinstance(outcome, BaseException):
                raise outcome
        return sum(bool(outcome) for outcome in taken)

    async def _retry(self, row: asyncpg.Record) -> bool:
        """One counted try; returns whether it fell to this process."""
        event, document = read_envelope(row["envelope"])
        attempts = row["attempts"] + 1
        async with self._runtime.app_db.transaction(event.tenant_id, patient=True) as tx:
            counted = await tx.sql.fetchval(
                COUNT,
                event.tenant_id,
                self._service,
                event.id,
                row["attempts"],
                attempts,
                self._inbox.next_try(attempts),
                unended(attempts),
            )
        if not counted:
            return False  # another process has it
        if attempts > self._settings.consumer_attempts:
            await self._failed_again(
                event, attempts - 1, RuntimeError(f"the process died in try {attempts - 1}")
            )
            return True
        try:
            async with open_work(self._runtime, event.tenant_id, patient=True) as unit:
                done = await unit.tx.sql.fetchval(DONE, event.tenant_id, self._service, event.id)
                if not done:
                    return True
                await self._inbox.event_handlers.run(unit, [(event, document)])
            self._inbox.observe_lag([(event, document)])
            self._inbox.count("done")
        except DatabaseAway:
            raise
        except Exception as error:  # noqa: BLE001 - stays visible as retry or dead
            await self._failed_again(event, attempts, error)
        return True

    async def _failed_again(self, event: Envelope, attempts: int, error: BaseException) -> None:
        state = "dead" if attempts >= self._settings.consumer_attempts else "retry"
        log.warning("event failed again", service=self._service, event_id=str(event.id), state=state,
                    attempts=attempts, error=error_text(error))  # fmt: skip
        async with self._runtime.app_db.transaction(event.tenant_id, patient=True) as tx:
            await tx.sql.execute(
                "update inbox set state = $4, error = $5, attempts = $6 where tenant_id = $1 and consumer = $2 "
                "and event_id = $3 and state in ('retry', 'waiting')",
                event.tenant_id,
                self._service,
                event.id,
                state,
                error_text(error),
                attempts,
            )
        self._inbox.count(state)

    async def report(self) -> None:
        """Publish how much is held, and for how long."""
        rows = await self._runtime.worker_db.repeatable(HELD, self._service)
        for state in ("retry", "waiting", "dead"):
            found = next((r for r in rows if r["state"] == state), None)
            telemetry.INBOX_HELD.labels(self._service, state).set(found["n"] if found else 0)
            if state == "retry":
                telemetry.INBOX_AGE.labels(self._service).set(found["age"] if found else 0)


def unended(attempt: int) -> str:
    """What stands in place of an error from the beginning of a counted try to its end."""
    return f"try {attempt} has begun and not ended"


async def run_retries(
    retries: Retries, stopping: asyncio.Event, poll_seconds: float, linger_seconds: float
) -> None:
    """Look for retries when they are due, until told to stop."""
    reporting = Seldom(REPORT_SECONDS)

    async def look() -> bool:
        taken = await retries.retry_due()
        if reporting.due():
            await retries.report()
        return taken > 0

    await repeat("retries", look, stopping, poll_seconds, alarm=retries.alarm, linger=linger_seconds)
