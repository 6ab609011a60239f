"""Requests taken together: what comes while others of its operation and tenant are at work shares a transaction.

A statement costs PostgreSQL and us nearly the same for three orders as for one, and requests of one tenant would only
wait for each other's rows. So an operation that says how several are done at once (`together=`) is done that way under
load; alone, a request goes its own way at once. All or none: when one of several is refused, or anything else fails
before the commit, nothing has happened, and each goes its own way after all, where it gets its own answer
(docs/adr/0019). Only a commit that is not answered is never tried again.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import structlog
from starlette.requests import Request
from starlette.responses import Response

from shared.base import telemetry
from shared.base.batcher import Batcher
from shared.context.ctx import Ctx
from shared.context.unit_of_work import leave_works
from shared.contracts.event import Envelope
from shared.database.pool import NothingCommitted, Transaction
from shared.http import idempotency
from shared.http.fast.straight import DoesNotFit, Handle, Together
from shared.http.request_transaction import (
    CTX,
    EdgeState,
    RequestInfo,
    committed,
    finished,
    is_provider,
    kept,
    note,
    once,
)

log = structlog.get_logger()
BATCH_LIMIT = 64  # requests in one transaction at most
BATCH_SECONDS = 2.0  # a round that takes longer is given up: one slow request must not hold the others


class BatchFailed(Exception):  # noqa: N818 - named for what happened
    """Requests that were taken together failed, whichever of them was at fault."""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One try of a request."""

    request: Request
    handle: Handle
    asked: RequestInfo

    async def alone(self) -> Response:
        """Take it in a transaction of its own."""
        return await once(self.request, self.handle, self.asked)


@dataclass(frozen=True, slots=True)
class _Fitting:
    """A call that is part of the round."""

    place: int
    call: Call
    ctx: Ctx
    arguments: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Done:
    """What a round leaves."""

    works: list[Ctx]
    facts: list[Envelope]


class RequestBatches:
    """Takes requests of one service."""

    def __init__(self, edge: EdgeState, *, at_once: int) -> None:
        """`at_once`: rounds at the same time, over all tenants and operations."""
        self._edge = edge
        self._batcher: Batcher[tuple[UUID, Together], Call, Response | None] = Batcher(
            self._take_batch, id, most=BATCH_LIMIT, at_once=at_once
        )

    async def take(self, call: Call) -> Response:
        """Answer a call, with others of its kind where there are some."""
        together = call.asked.operation.together
        if together is None or is_provider(call.asked.caller):
            return await call.alone()
        try:
            response = await self._batcher.put((call.asked.caller.tenant.id, together), call)
        except BatchFailed as error:
            log.debug("taken alone", service=self._edge.service, request_id=call.asked.request_id,
                      error=repr(error.__cause__))  # fmt: skip
            response = None
        return response or await call.alone()

    async def _take_batch(
        self, key: tuple[UUID, Together], calls: Sequence[Call]
    ) -> Sequence[Response | None]:
        """Answers to the calls that fit into one transaction; None for those that have to go alone."""
        telemetry.BATCH_SIZE.labels(self._edge.service).observe(len(calls))
        if len(calls) == 1:
            return [await calls[0].alone()]
        try:
            return await self._together(*key, calls)
        except BatchFailed:
            telemetry.BATCHES_FAILED.labels(self._edge.service).inc()
            raise

    async def _together(
        self, tenant_id: UUID, together: Together, calls: Sequence[Call]
    ) -> list[Response | None]:
        responses: list[Response | None] = [None] * len(calls)
        done, committing = _Done([], []), False
        try:
            async with self._edge.app.transaction(tenant_id) as tx:
                async with asyncio.timeout(BATCH_SECONDS):
                    fitting = await self._fitting(tx, together, calls)
                    if fitting:
                        done = await _do(together, fitting, responses)
                committing = True
        except (asyncpg.PostgresError, NothingCommitted) as error:
            raise BatchFailed from error
        except Exception as error:
            if committing:  # nobody knows whether it was committed: each is told that the database is away
                raise
            raise BatchFailed from error
        await committed(self._edge, done.works, done.facts)
        return responses

    async def _fitting(self, tx: Transaction, together: Together, calls: Sequence[Call]) -> list[_Fitting]:
        """The calls that can go on: of the usual form, and not done before under their key."""
        fitting = []
        for place, call in enumerate(calls):
            ctx = call.request.scope[CTX] = call.asked.context(tx)
            try:
                values = await together.way.arguments(call.request)
            except DoesNotFit:
                continue
            fitting.append(_Fitting(place, call, ctx, tuple(values[name] for name in together.way.names)))
        keyed = [(each.place, each.ctx, each.call.asked.key) for each in fitting if each.call.asked.key]
        new = await idempotency.claim([(ctx, key) for _, ctx, key in keyed])
        taken = {place for (place, _, _), is_new in zip(keyed, new, strict=True) if not is_new}
        return [each for each in fitting if each.place not in taken]


async def _do(together: Together, fitting: Sequence[_Fitting], responses: list[Response | None]) -> _Done:
    """Call the function for all, write down what it leaves, and put each answer in its place."""
    answers = []
    results = await together.function([each.arguments for each in fitting])
    for each, result in zip(fitting, results, strict=True):
        request, asked = each.call.request, each.call.asked
        response = finished(request, together.way.shown(request, result))
        note(request, each.ctx, asked)
        answers.append(kept(asked, each.ctx, response))
        responses[each.place] = response
    works = [each.ctx for each in fitting]
    return _Done(works, await leave_works(works, [answer for answer in answers if answer is not None]))
