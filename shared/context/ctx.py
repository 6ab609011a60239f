"""Ctx: the first argument of every action and query. Who acts, for which tenant, when, in which transaction.

There are no context variables and no globals: what an action may touch is on its ctx. Whoever takes a request
(`shared.http`), an event (`shared.messaging`) or scheduled work and jobs (`shared.background`) opens it and commits
it; actions never do.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from asyncpg import Connection
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.context.ports import Kind, Ports
from shared.contracts.event import Envelope, Event, envelope
from shared.database.pool import Transaction
from shared.database.reporting import NOT_REPORTING, REPORTING
from shared.values import clock
from shared.values.ids import new_id


@dataclass(frozen=True, slots=True)
class TenantFacts:
    """What every service knows of a client company, kept equal by the gateway."""

    id: UUID
    name: str
    legal_name: str
    country: str
    currency: str
    time_zone: str
    kind: str = "live"
    state: str = "active"
    clock_offset: timedelta = clock.NO_OFFSET
    version: int = 1

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "TenantFacts":
        """The facts of a row whose columns are named like them, the id as `tenant_id`."""
        return cls(row["tenant_id"], **{name: row[name] for name in cls.__slots__ if name != "id"})


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a client, an operator or the system itself; `acting_for` names the party on whose behalf."""

    id: str
    kind: str = "client"
    on_behalf_of: str | None = None


SYSTEM = Actor("system", "system")


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One move of one aggregate, as its timeline shows it."""

    id: UUID
    aggregate: str
    aggregate_id: UUID
    verb: str
    from_state: str | None
    to_state: str
    why: str | None


@dataclass(frozen=True, slots=True)
class DueTime:
    """Something to do to a subject at an instant of the tenant's clock; without one: no longer to be done."""

    kind: str
    subject_id: UUID
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class QueuedMail:
    """A mail to be sent after the commit: about which document, to whom, with which words of the sender.

    One that cannot be sent is kept with the reason, for whoever looks what became of it. Made by `shared.mail.queue`.
    """

    id: UUID
    kind: str
    aggregate: str
    aggregate_id: UUID
    number: str | None
    recipient: str = field(repr=False)
    copies: tuple[str, ...] = field(default=(), repr=False)
    message: str = field(default="", repr=False)
    reason_code: str | None = None
    reason: str | None = None


@dataclass(slots=True)
class Work:
    """What a transaction leaves beside its effect; written in one statement just before the commit."""

    events: list[Envelope] = field(default_factory=list)
    history: list[HistoryRow] = field(default_factory=list)
    audit: list[tuple[str, str]] = field(default_factory=list)
    due: list[DueTime] = field(
        default_factory=list
    )  # in the order of the calls: the last one of a subject counts
    mails: list[QueuedMail] = field(default_factory=list)

    def mark(self) -> tuple[int, ...]:
        """How much has been gathered so far."""
        return tuple(len(kept) for kept in (self.events, self.history, self.audit, self.due, self.mails))

    def forget_since(self, mark: tuple[int, ...]) -> None:
        """Drop what was gathered after a mark, since its effect was undone."""
        gathered: tuple[list[Any], ...] = (self.events, self.history, self.audit, self.due, self.mails)
        for kept, length in zip(gathered, mark, strict=True):
            del kept[length:]


@dataclass(slots=True)
class Ctx:
    """One request's or message's view of the world."""

    service: str
    tx: Transaction
    tenant: TenantFacts
    actor: Actor
    scopes: frozenset[str]
    now: datetime
    request_id: str
    traceparent: str
    ports: Ports = field(default_factory=Ports)
    causation_id: str | None = None
    correlation_id: str | None = None
    job_queued: bool = False
    work: Work = field(default_factory=Work)
    after_commit: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    @property
    def today(self) -> date:
        """The tenant's local date."""
        return clock.local_date(self.now, self.tenant.time_zone)

    @property
    def sql(self) -> Connection:
        """The transaction's plain-SQL door (asyncpg), for hot paths and set-based statements."""
        return self.tx.sql

    @property
    def session(self) -> AsyncSession:
        """The transaction's SQLModel door, for reads and simple edits."""
        return self.tx.session

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that may fail alone: its statements, facts and timeline entries are undone together."""
        mark, steps = self.work.mark(), len(self.after_commit)
        try:
            async with self.tx.savepoint():
                yield
        except BaseException:
            self.work.forget_since(mark)
            del self.after_commit[steps:]
            raise

    @asynccontextmanager
    async def reporting(self) -> AsyncIterator[None]:
        """Reads over many rows: planned by what the tables hold, and with more time than a request's statements.

        Everywhere else plans are kept and read by index (`shared.database.pool.SETTINGS`), which suits statements that
        touch a few rows by their keys.
        """
        await self.sql.execute(REPORTING)
        yield
        await self.sql.execute(
            NOT_REPORTING
        )  # a failure undoes the transaction, or its part, with these settings

    def port(self, kind: type[Kind]) -> Kind:
        """A way out of the process (mail, files), by its type; not to be waited for while rows are locked."""
        return self.ports.get(kind)

    def emit(self, event: Event, *, subject: UUID, version: int, ordering_key: str | None = None) -> None:
        """Record a fact for other services, published after the commit.

        The aggregate's row must be locked or changed in this transaction already: that gives facts of one
        ordering key their order. The ordering key defaults to the aggregate itself; facts of a part (a fulfilment of an
        order) name the whole's ordering key to stay in order with its facts.
        """
        self.work.events.append(
            envelope(
                event,
                id=new_id(),
                source=self.service,
                subject=str(subject),
                time=self.now,
                tenant_id=self.tenant.id,
                version=version,
                ordering_key=ordering_key or f"{event.aggregate()}:{subject}",
                actor_id=self.actor.id,
                causation_id=self.causation_id,
                correlation_id=self.correlation_id or self.request_id,
                traceparent=self.traceparent,
            )
        )

    def record_move(
        self,
        aggregate: str,
        aggregate_id: UUID,
        verb: str,
        from_state: str | None,
        to_state: str,
        why: str | None,
    ) -> None:
        """Add an entry to an aggregate's timeline."""
        self.work.history.append(
            HistoryRow(new_id(), aggregate, aggregate_id, verb, from_state, to_state, why)
        )

    def audit(self, action: str, subject: str) -> None:
        """Add an audit row: reads of confidential records and whatever the edge does not record by itself."""
        self.work.audit.append((action, subject))

    def schedule(self, kind: str, subject_id: UUID, due_at: datetime) -> None:
        """Have the `on_due(kind)` function called for the subject at that instant of the tenant's clock."""
        self.work.due.append(DueTime(kind, subject_id, due_at))

    def unschedule(self, kind: str, subject_id: UUID) -> None:
        """Forget a due time that no longer applies."""
        self.work.due.append(DueTime(kind, subject_id, None))
