"""Units of work: one transaction, the ctxs in it, and what they leave beside their effects.

    async with unit_of_work(runtime, tenant, actor, request_id="due:remind") as ctx:
        await remind(ctx, invoice_id)

Requests, events, due times, jobs and provisioning all go this way. What a ctx has gathered (facts, timeline, audit,
due times) is written in one closing statement, so the aggregate's rows are locked by then and outbox order equals
commit order per ordering key. After the commit, and only then, those are told who wait for it. Where several requests
or events share a transaction (`open_work`), each has a ctx of its own in the same unit.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog

from shared.base import telemetry
from shared.base.settings import KernelSettings
from shared.context.closing_statement import StoredReply, write_closing_statement
from shared.context.ctx import Actor, Ctx, TenantFacts
from shared.context.ports import Ports
from shared.context.tenants import Tenants
from shared.contracts.event import Envelope
from shared.database.pool import Database, Transaction
from shared.values import clock

log = structlog.get_logger()


class Runtime(Protocol):
    """What units of work need of the service they belong to, while it runs."""

    @property
    def name(self) -> str:
        """The service's name."""
        ...

    @property
    def settings(self) -> KernelSettings:
        """Its settings."""
        ...

    @property
    def app_db(self) -> Database:
        """Where requests and events are worked on, under the tenant's row-level security."""
        ...

    @property
    def worker_db(self) -> Database:
        """Where the kernel's queues are looked through, over all tenants."""
        ...

    @property
    def tenants(self) -> Tenants:
        """Its copy of the tenants."""
        ...

    @property
    def ports(self) -> Ports:
        """What it reaches outside."""
        ...

    def facts_committed(self, facts: Sequence[Envelope]) -> None:
        """Hear of facts that stand now."""

    def job_queued(self) -> None:
        """Hear that a job waits now."""


@dataclass(slots=True)
class UnitOfWork:
    """One open transaction of a service, and the ctxs that share it."""

    runtime: Runtime
    tx: Transaction
    replies: list[StoredReply] = field(default_factory=list)
    written: bool = False  # all that it leaves is written: from here on only the commit can fail
    contexts: list[Ctx] = field(default_factory=list)
    _facts: list[Envelope] = field(default_factory=list)

    async def tenant(self, tenant_id: UUID) -> TenantFacts:
        """What the service knows of a tenant."""
        return await self.runtime.tenants.facts(self.tx, tenant_id)

    def context(
        self,
        tenant: TenantFacts,
        actor: Actor,
        *,
        request_id: str,
        traceparent: str,
        scopes: frozenset[str] = frozenset(),
        now: datetime | None = None,
        causation_id: str | None = None,
        correlation_id: str | None = None,
    ) -> Ctx:
        """A ctx of this transaction; `now` is the tenant's present unless the work belongs to another instant."""
        ctx = Ctx(
            service=self.runtime.name,
            tx=self.tx,
            tenant=tenant,
            actor=actor,
            scopes=scopes,
            now=now or clock.utc_now(tenant.clock_offset),
            request_id=request_id,
            traceparent=traceparent,
            ports=self.runtime.ports,
            causation_id=causation_id,
            correlation_id=correlation_id,
        )
        self.contexts.append(ctx)
        return ctx

    async def write(self) -> None:
        """Write what the ctxs and replies leave; what they gather afterwards is written at the end of the block."""
        self._facts += await write_closing_statement(self.tx, self.contexts, self.replies)
        self.replies = []
        self.written = True

    async def committed(self) -> None:
        """Tell who waited for the commit; the effects stand even if this fails."""
        if self._facts:
            self.runtime.facts_committed(self._facts)
        if any(ctx.job_queued for ctx in self.contexts):
            self.runtime.job_queued()
        for ctx in self.contexts:
            for step in ctx.after_commit:
                try:
                    await step()
                except Exception:
                    log.exception(
                        "a step after the commit failed", service=ctx.service, request_id=ctx.request_id
                    )


@asynccontextmanager
async def open_work(
    runtime: Runtime, tenant_id: UUID, *, provider: bool = False, patient: bool = False
) -> AsyncIterator[UnitOfWork]:
    """A unit of work for as many ctxs as the caller opens in it; commits when the block ends well.

    `patient` is work for whose answer nobody waits: it has its turn however long the tenant's other work takes.
    """
    async with runtime.app_db.transaction(tenant_id, provider=provider, patient=patient) as tx:
        unit = UnitOfWork(runtime, tx)
        yield unit
        await unit.write()
    await unit.committed()


@asynccontextmanager
async def unit_of_work(
    runtime: Runtime,
    tenant: TenantFacts | UUID,
    actor: Actor,
    *,
    request_id: str,
    scopes: frozenset[str] = frozenset(),
    now: datetime | None = None,
    traceparent: str = "",
    patient: bool = False,
) -> AsyncIterator[Ctx]:
    """A unit of work with one ctx; a tenant given by its id is looked up in the service's own copy."""
    tenant_id = tenant if isinstance(tenant, UUID) else tenant.id
    async with open_work(runtime, tenant_id, patient=patient) as unit:
        facts = await unit.tenant(tenant) if isinstance(tenant, UUID) else tenant
        yield unit.context(
            facts,
            actor,
            request_id=request_id,
            scopes=scopes,
            now=now,
            traceparent=traceparent or telemetry.new_traceparent(),
        )
