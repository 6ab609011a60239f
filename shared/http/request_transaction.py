"""One try of a request: replay or route, answer, facts and audit row, commit; and what a refusal leaves."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import asyncpg
import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shared.base import telemetry
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.context.unit_of_work import Runtime, UnitOfWork, open_work
from shared.http import idempotency, internal_token, problems
from shared.http.existing import name_existing
from shared.http.parameters import Parameters
from shared.http.waiting import Waiting
from shared.values.faults import Busy, Fault, NotYetKnown

CTX = "backoffice.ctx"  # in a request's scope: the ctx of its transaction
SHOWN = "backoffice.shown"  # in a request's scope: the resource of which the reply's body was made
Handle = Callable[[Request], Coroutine[Any, Any, Response]]
Arguments = tuple[Any, ...]  # of an endpoint, after its ctx
BatchFunction = Callable[[Batch[Any]], Awaitable[Sequence[object]]]


@dataclass(frozen=True, slots=True)
class BatchForm:
    """How several requests of an operation are done at once, and how each is read and replied to."""

    function: BatchFunction
    arguments: Callable[[Request], Awaitable[Arguments]]
    shown: Callable[[Request, object], Response]


class Declared(Protocol):
    """What the edge needs to know of a route."""

    path: str
    name: str
    needed_scope: str
    batch: BatchForm | None
    waits_for: str
    body_limit: int
    upload_limit: int
    media_types: tuple[str, ...]
    parameters: Parameters

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

    runtime: Runtime
    verifier: internal_token.TokenVerifier
    waiting: Waiting


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
    asks_again: bool = True  # for what is not known yet

    def open(self, unit: UnitOfWork) -> Ctx:
        """The request's ctx in a unit of work."""
        return unit.context(
            self.caller.tenant,
            self.caller.actor,
            scopes=self.caller.scopes,
            request_id=self.request_id,
            traceparent=self.traceparent,
        )


async def once(request: Request, handle: Handle, info: RequestInfo) -> Response:
    """One try of the transaction. A refusal rolls back its effects and is then stored under the key."""
    began = False
    runtime, caller = info.edge.runtime, info.caller
    try:
        async with open_work(runtime, caller.tenant.id, provider=is_provider(caller)) as unit:
            ctx = info.open(unit)
            if info.key:
                found = await idempotency.replay(ctx, info.key, info.request_hash)
                if found is not None:
                    return found
            began = True
            request.scope[CTX] = ctx
            response = finished(request, await handle(request))
            note(request, ctx, info)
            keep(unit, ctx, info, response)
    except (Fault, RequestValidationError, HTTPException, asyncpg.PostgresError) as error:
        fault = _as_fault(error)
        if fault is None:
            raise
        if not (began and fault.status < 500 and not isinstance(fault, Busy)):
            raise fault from error
        if isinstance(fault, NotYetKnown) and info.asks_again:
            raise fault from error
        fault = await name_existing(runtime, caller.tenant.id, error, fault, getattr(request, "_json", None))
        problems.let_go(error)
        return await _refusal(info, fault)
    return response


def only_reads(request: Request) -> bool:
    """Whether a request changes nothing by what it is."""
    return request.method in ("GET", "HEAD")


def note(request: Request, ctx: Ctx, info: RequestInfo) -> None:
    """Leave an audit row of what is about to be changed."""
    if not only_reads(request):
        ctx.audit(info.operation.name, request.scope["path"])


def keep(unit: UnitOfWork, ctx: Ctx, info: RequestInfo, response: Response) -> None:
    """Have the reply stored under the request's key, if it has one."""
    if info.key:
        unit.replies.append(idempotency.stored(ctx, info.key, info.request_hash, response))


async def _refusal(info: RequestInfo, fault: Fault) -> Response:
    """A refusal as the reply; stored in a transaction of its own when the request has a key."""
    response = problems.problem(fault, trace_id=telemetry.trace_id(info.traceparent))
    if info.key:
        async with open_work(info.edge.runtime, info.caller.tenant.id) as unit:
            ctx = info.open(unit)
            found = await idempotency.replay(ctx, info.key, info.request_hash)
            if found is not None:
                return found
            keep(unit, ctx, info, response)
    return response


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
