"""One try of a request: replay or route, answer, facts and audit row, commit; and what a refusal leaves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import asyncpg
import orjson
import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shared.base import telemetry
from shared.context.ctx import Ctx
from shared.context.unit_of_work import FactsCommitted, StoredAnswer, leave_work
from shared.contracts.event import Envelope
from shared.database.pool import Database, Transaction
from shared.http import idempotency, internal_token, problems
from shared.http.fast.straight import SHOWN, Handle, Together
from shared.http.waiting import Waiting
from shared.values import clock
from shared.values.faults import Busy, Fault

log = structlog.get_logger()
CTX = "backoffice.ctx"  # in a request's scope: the ctx of its transaction


class Declared(Protocol):
    """What the edge needs to know of a route."""

    path: str
    name: str
    needed_scope: str
    together: Together | None
    waits_for: str

    @property
    def takes_body(self) -> bool:
        """Whether a body is read into a parameter."""
        ...

    @property
    def reads_form(self) -> bool:
        """Whether that body is a multipart form rather than JSON."""
        ...


@dataclass(slots=True)
class EdgeState:
    """What the edge needs of the running service; hung on the app as `app.state.edge`."""

    service: str
    app: Database
    verifier: internal_token.TokenVerifier
    facts_committed: FactsCommitted
    job_queued: Callable[[], None]
    waiting: Waiting
    max_body: int


def is_provider(caller: internal_token.Caller) -> bool:
    """Whether the caller may see all tenants' control-plane rows: an operator, and not while acting for one."""
    return caller.actor.kind == "operator" and caller.tenant.kind == "provider"


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """One request, read and let in: what each try of its transaction needs."""

    edge: EdgeState
    operation: Declared
    caller: internal_token.Caller
    request_id: str
    traceparent: str
    key: str | None
    request_hash: bytes

    def context(self, tx: Transaction) -> Ctx:
        """The ctx of a transaction of this request."""
        return Ctx(
            service=self.edge.service,
            tx=tx,
            tenant=self.caller.tenant,
            actor=self.caller.actor,
            scopes=self.caller.scopes,
            now=clock.utc_now(self.caller.tenant.clock_offset),
            request_id=self.request_id,
            traceparent=self.traceparent,
        )


async def once(request: Request, handle: Handle, asked: RequestInfo) -> Response:
    """One try of the transaction. A refusal rolls back its effects and is then stored under the key."""
    began = False
    try:
        async with asked.edge.app.transaction(
            asked.caller.tenant.id, provider=is_provider(asked.caller)
        ) as tx:
            ctx = asked.context(tx)
            if asked.key:
                found = await idempotency.replay(ctx, asked.key, asked.request_hash)
                if found is not None:
                    return found
            began = True
            request.scope[CTX] = ctx
            response = finished(request, await handle(request))
            note(request, ctx, asked)
            facts = await leave_work(ctx, kept(asked, ctx, response))
    except (Fault, RequestValidationError, HTTPException, asyncpg.PostgresError) as error:
        fault = _as_fault(error)
        if fault is None:
            raise
        if not (began and fault.status < 500 and not isinstance(fault, Busy)):
            raise fault from error
        return await _refusal(asked, fault)
    await committed(asked.edge, [ctx], facts)
    return response


def only_reads(request: Request) -> bool:
    """Whether a request changes nothing by what it is."""
    return request.method in ("GET", "HEAD")


def note(request: Request, ctx: Ctx, asked: RequestInfo) -> None:
    """Leave an audit row of what is about to be changed."""
    if not only_reads(request):
        ctx.audit(asked.operation.name, request.scope["path"])


def kept(asked: RequestInfo, ctx: Ctx, response: Response) -> StoredAnswer | None:
    """The answer as it is stored under the request's key, if it has one."""
    return idempotency.stored(ctx, asked.key, asked.request_hash, response) if asked.key else None


async def _refusal(asked: RequestInfo, fault: Fault) -> Response:
    """A refusal as the answer; stored in a transaction of its own when the request has a key."""
    response = problems.problem(fault, trace_id=telemetry.trace_id(asked.traceparent))
    if asked.key:
        async with asked.edge.app.transaction(asked.caller.tenant.id) as tx:
            ctx = asked.context(tx)
            found = await idempotency.replay(ctx, asked.key, asked.request_hash)
            if found is not None:
                return found
            await leave_work(ctx, kept(asked, ctx, response))
    return response


async def committed(edge: EdgeState, works: Sequence[Ctx], facts: Sequence[Envelope]) -> None:
    """Do what had to wait for the commit, before the answers leave; the effects stand even if this fails."""
    if facts:
        edge.facts_committed(facts)
    if any(ctx.job_queued for ctx in works):
        edge.job_queued()
    for ctx in works:
        for step in ctx.after_commit:
            try:
                await step()
            except Exception:
                log.exception(
                    "a step after the commit failed", service=ctx.service, request_id=ctx.request_id
                )


def _as_fault(error: Exception) -> Fault | None:
    if isinstance(error, Fault):
        return error
    if isinstance(error, RequestValidationError):
        return problems.validation_fault(error)
    if isinstance(error, HTTPException):
        return problems.http_fault(error)
    if isinstance(error, asyncpg.PostgresError):
        return problems.database_fault(error)
    return None


def finished(request: Request, response: Response) -> Response:
    """Add Location and ETag from the resource the body shows."""
    if getattr(response, "body", b"")[:1] == b"{" and response.media_type in (None, "application/json"):
        version, id_ = _shown(request, response)
        if version is not None:
            response.headers["etag"] = f'"{version}"'
        if response.status_code == 201 and id_ is not None and "location" not in response.headers:
            response.headers["location"] = f"{request.scope['path']}/{id_}"
    return response


def _shown(request: Request, response: Response) -> tuple[object, object]:
    """Version and id of the resource that is answered with, as far as it has them."""
    shown = request.scope.get(SHOWN)
    if shown is not None:
        return getattr(shown, "version", None), getattr(shown, "id", None)
    parsed = orjson.loads(response.body)
    return parsed.get("version"), parsed.get("id")
