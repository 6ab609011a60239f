"""Requests in batches: what comes while others of its operation and tenant are at work shares a transaction.

A statement costs PostgreSQL and us nearly the same for three orders as for one, and requests of one tenant would only
wait for each other's rows. So an operation that says how several are done at once (`batch=`) is done that way under
load; alone, a request goes its own way at once. What is too heavy together is done in several. All or none: when one
of several is refused, or anything else fails before the commit, nothing has happened, and each goes its own way after
all, where it gets its own reply (docs/performance.md). Only a commit that is not answered is never tried again.
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
from shared.base.batcher import Batcher, RoundSize
from shared.base.error_text import error_text
from shared.base.fair_share import FairShare, ShareExhausted
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.context.unit_of_work import UnitOfWork, open_work
from shared.database.pool import WAIT_SECONDS, NothingCommitted, PoolExhausted, ShareUsedUp
from shared.http import idempotency
from shared.http.fast.direct_call import DoesNotFit
from shared.http.request_transaction import (
    CTX,
    Arguments,
    BatchForm,
    EdgeState,
    Handle,
    RequestInfo,
    finished,
    is_provider,
    keep,
    note,
    once,
)

log = structlog.get_logger()
BATCH_LIMIT = 64  # requests in one transaction at most
BATCH_BYTES = 32 * 1024  # of their bodies together, some 800 lines of orders: lines are what takes time
BATCH_SECONDS = 2.0  # a batch that takes longer is given up: one slow request must not hold the others


class BatchFailed(Exception):  # noqa: N818 - named for what happened
    """Requests that shared a transaction failed, whichever of them was at fault."""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One try of a request."""

    request: Request
    handle: Handle
    info: RequestInfo

    async def alone(self) -> Response:
        """Take it in a transaction of its own."""
        return await once(self.request, self.handle, self.info)

    @property
    def weight(self) -> int:
        """The bytes of its body."""
        return len(getattr(self.request, "_body", b""))


@dataclass(frozen=True, slots=True)
class _Fitting:
    """A call that is part of the batch."""

    place: int
    call: Call
    ctx: Ctx
    arguments: Arguments


class RequestBatches:
    """Takes requests of one service."""

    def __init__(self, edge: EdgeState, *, at_once: int) -> None:
        """`at_once`: batches at the same time, over all tenants and operations; one tenant has its share of them."""
        self._edge = edge
        self._service = edge.runtime.name
        self._batcher: Batcher[tuple[UUID, BatchForm], Call, Response | None] = Batcher(
            self._take_batch,
            key_of=id,
            weight_of=lambda call: call.weight,
            most=RoundSize(BATCH_LIMIT, BATCH_BYTES),
            turns=FairShare(at_once),
        )

    async def take(self, call: Call) -> Response:
        """Reply to a call, done with others of its kind where there are some."""
        form = call.info.operation.batch
        if form is None or is_provider(call.info.caller):
            return await call.alone()
        key = (call.info.caller.tenant.id, form)
        try:
            response = await self._batcher.put(key, call, within=WAIT_SECONDS)
        except ShareExhausted as error:
            raise ShareUsedUp("too many requests of this operation wait") from error
        except BatchFailed as error:
            log.debug("taken alone", service=self._service, request_id=call.info.request_id,
                      error=error_text(error.__cause__ or error))  # fmt: skip
            response = None
        return response or await call.alone()

    async def _take_batch(
        self, key: tuple[UUID, BatchForm], calls: Sequence[Call]
    ) -> Sequence[Response | None]:
        """Replies to the calls that fit into one transaction; None for those that have to go alone."""
        telemetry.BATCH_SIZE.labels(self._service).observe(len(calls))
        if len(calls) == 1:
            return [await calls[0].alone()]
        try:
            return await self._share(*key, calls)
        except BatchFailed:
            telemetry.BATCHES_FAILED.labels(self._service).inc()
            raise

    async def _share(self, tenant_id: UUID, form: BatchForm, calls: Sequence[Call]) -> list[Response | None]:
        responses: list[Response | None] = [None] * len(calls)
        unit: UnitOfWork | None = None
        try:
            async with open_work(self._edge.runtime, tenant_id) as unit:
                async with asyncio.timeout(BATCH_SECONDS):
                    fitting = await _fitting(unit, form, calls)
                    if fitting:
                        await _do(unit, form, fitting, responses)
                    await unit.write()
        except PoolExhausted:
            raise  # it has not begun, and alone they would wait as long
        except (asyncpg.PostgresError, NothingCommitted) as error:
            raise BatchFailed from error
        except Exception as error:
            if unit is not None and unit.written:
                raise  # nobody knows whether it was committed: each is told that the database is away
            raise BatchFailed from error
        return responses


async def _fitting(unit: UnitOfWork, form: BatchForm, calls: Sequence[Call]) -> list[_Fitting]:
    """The calls that can go on: of the usual form, and not done before under their key."""
    fitting = []
    for place, call in enumerate(calls):
        ctx = call.request.scope[CTX] = call.info.open(unit)
        try:
            fitting.append(_Fitting(place, call, ctx, await form.arguments(call.request)))
        except DoesNotFit:
            continue
    keyed = [(each.place, each.ctx, each.call.info.key) for each in fitting if each.call.info.key]
    new = await idempotency.claim([(ctx, key) for _, ctx, key in keyed])
    taken = {place for (place, _, _), is_new in zip(keyed, new, strict=True) if not is_new}
    return [each for each in fitting if each.place not in taken]


async def _do(
    unit: UnitOfWork, form: BatchForm, fitting: Sequence[_Fitting], responses: list[Response | None]
) -> None:
    """Call the function for all, and put each reply in its place."""
    results = await form.function(Batch([(each.ctx, each.arguments) for each in fitting]))
    for each, result in zip(fitting, results, strict=True):
        request, info = each.call.request, each.call.info
        response = responses[each.place] = finished(request, form.shown(request, result))
        note(request, each.ctx, info)
        keep(unit, each.ctx, info, response)
