"""What happens to one request: caller, scope, body, one transaction, one answer.

The edge verifies the internal token, checks the scope, reads the body, opens the transaction, replays a stored
answer, runs the route, serialises, stores the answer with the facts and the audit row, commits, and only then
responds: a failed commit can never have answered 200 (docs/adr/0003).
"""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import asyncpg
import orjson
import structlog
from fastapi.exceptions import RequestValidationError
from opentelemetry.trace import SpanKind
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from shared import auth, clock, idempotency, problems, telemetry
from shared.ctx import Ctx
from shared.db import REPEATABLE, Database, DatabaseAway, Transaction
from shared.faults import Busy, Fault, Forbidden, Malformed, TooLarge, Unavailable, WrongMediaType
from shared.ids import new_id
from shared.waiting import PREFERENCE_APPLIED, Looked, Waiting, wish_of
from shared.work import FactsCommitted, StoredAnswer, leave_work

log = structlog.get_logger()
REPEATS = 4
SHOWN = "backoffice.shown"  # in a request's scope: the resource of which the answer's body was made
Handle = Callable[[Request], Coroutine[Any, Any, Response]]


class Declared(Protocol):
    """What the edge needs to know of a route."""

    path: str
    name: str
    needed_scope: str
    waits_for: str

    @property
    def takes_body(self) -> bool:
        """Whether a body is read into a parameter."""
        ...

    @property
    def reads_form(self) -> bool:
        """Whether that body is a multipart form rather than JSON."""
        ...


class EdgeState:
    """What the edge needs of the running service; hung on the app as `app.state.edge`."""

    def __init__(
        self,
        service: str,
        app: Database,
        verifier: auth.TokenVerifier,
        facts_committed: FactsCommitted,
        waiting: Waiting,
        max_body: int,
    ) -> None:
        self.service = service
        self.app = app
        self.verifier = verifier
        self.facts_committed = facts_committed
        self.waiting = waiting
        self.max_body = max_body


async def answer(request: Request, handle: Handle, operation: Declared) -> Response:
    """Answer one request whatever happens, and count it."""
    started = time.perf_counter()
    edge: EdgeState = request.app.state.edge
    request_id = request.headers.get("x-request-id") or str(new_id())
    with telemetry.span(
        f"{request.method} {operation.path}",
        parent=request.headers.get("traceparent", ""),
        kind=SpanKind.SERVER,
    ) as traceparent:
        trace_id = telemetry.trace_id(traceparent)
        try:
            response = await _transact(request, handle, operation, edge, request_id, traceparent)
        except Fault as fault:
            response = problems.problem(fault, trace_id=trace_id)
        except ClientDisconnect:
            response = Response(status_code=499)
        except Exception:  # the last resort: a bug answers 500 without details
            log.exception(
                "request failed", service=edge.service, method=request.method, path=request.scope["path"],
                tenant_id=request.scope.get("backoffice.tenant_id"), request_id=request_id, trace_id=trace_id,
            )  # fmt: skip
            response = problems.problem_response(
                500, "internal_error", "Something went wrong on our side; quote the trace_id.", trace_id
            )
    response.headers["x-request-id"] = request_id
    seconds = time.perf_counter() - started
    waited = operation.waits_for and PREFERENCE_APPLIED in response.headers
    service = f"{edge.service}_waiting" if waited else edge.service
    telemetry.request_histogram(service, operation.path, response.status_code // 100).observe(seconds)
    return response


async def _transact(
    request: Request, handle: Handle, operation: Declared, edge: EdgeState, request_id: str, traceparent: str
) -> Response:
    """Check the caller and the body's form, then run the transaction; again, where there is something to wait for."""
    token = request.headers.get("x-internal-token")
    caller = await edge.verifier.verify(token.encode("latin-1") if token else None)
    request.scope["backoffice.tenant_id"] = str(caller.tenant.id)
    needed = operation.needed_scope
    if needed not in caller.scopes:
        raise Forbidden(f"This needs the scope {needed}.", code="missing_scope", scope=needed)
    body = b"" if request.method in ("GET", "HEAD") else await _read_body(request, operation, edge.max_body)
    key = None if request.method in ("GET", "HEAD") else idempotency.key_of(request)
    request_hash = idempotency.hash_of(request, body) if key else b""
    asked = _Asked(edge, operation, caller, request_id, traceparent, key, request_hash)
    wish = wish_of(request, operation.waits_for, caller.tenant.id) if operation.waits_for else None
    if wish is None:
        return await _tried(request, handle, asked, body)
    return await edge.waiting.until_found(wish, partial(_looked, request, handle, asked))


def _fresh(request: Request, body: bytes, operation: Declared) -> Request:
    """The request as it was before a try: a form's files, once read, are at their end."""
    fresh = Request(request.scope, request.receive)
    fresh._body = body
    if body and operation.takes_body and not operation.reads_form:
        try:
            fresh._json = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise Malformed(f"The body is not valid JSON: {error}.") from error
    return fresh


async def _read_body(request: Request, operation: Declared, limit: int) -> bytes:
    """Read the whole body before the transaction begins, so that a slow sender holds no connection."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"The body is larger than {limit} bytes.")
        chunks.append(chunk)
    body = b"".join(chunks)
    if body and operation.takes_body:
        wanted = "multipart/form-data" if operation.reads_form else "application/json"
        given = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if given != wanted:
            raise WrongMediaType(f"Send the body as {wanted}.")
    return body


def _is_provider(caller: auth.Caller) -> bool:
    """Whether the caller may see all tenants' control-plane rows: an operator, and not while acting for one."""
    return caller.actor.kind == "operator" and caller.tenant.kind == "provider"


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request, read and let in: what each try of its transaction needs."""

    edge: EdgeState
    operation: Declared
    caller: auth.Caller
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


async def _looked(request: Request, handle: Handle, asked: _Asked) -> Looked:
    """The answer as it is now, and whether it is a page with nothing on it."""
    response = await _tried(request, handle, asked, b"")
    return response, getattr(request.scope.get(SHOWN), "items", None) == []


async def _tried(request: Request, handle: Handle, asked: _Asked, body: bytes) -> Response:
    """Run the transaction; repeat it when the database asks for that."""
    for attempt in range(REPEATS):
        fresh = _fresh(request, body, asked.operation)
        try:
            return await _once(fresh, handle, asked)
        except REPEATABLE:
            await asyncio.sleep(0.01 * 2**attempt * random.random())  # noqa: S311 - jitter
        except DatabaseAway as error:
            raise Unavailable("The database is away; try again.") from error
    raise Busy("Others are working on the same rows; try again.")


async def _once(request: Request, handle: Handle, asked: _Asked) -> Response:
    """One try of the transaction. A refusal rolls back its effects and is then stored under the key."""
    began = False
    try:
        async with asked.edge.app.transaction(
            asked.caller.tenant.id, provider=_is_provider(asked.caller)
        ) as tx:
            ctx = asked.context(tx)
            if asked.key:
                found = await idempotency.replay(ctx, asked.key, asked.request_hash)
                if found is not None:
                    return found
            began = True
            request.scope["backoffice.ctx"] = ctx
            response = _finished(request, await handle(request))
            if request.method not in ("GET", "HEAD"):
                ctx.audit(asked.operation.name, request.scope["path"])
            facts = await leave_work(ctx, _kept(asked, ctx, response))
    except (Fault, RequestValidationError, HTTPException, asyncpg.PostgresError) as error:
        fault = _as_fault(error)
        if fault is None:
            raise
        if not (began and fault.status < 500 and not isinstance(fault, Busy)):
            raise fault from error
        return await _refusal(asked, fault)
    if facts:
        asked.edge.facts_committed(facts)
    await _run_after_commit(ctx)
    return response


def _kept(asked: _Asked, ctx: Ctx, response: Response) -> StoredAnswer | None:
    """The answer as it is stored under the request's key, if it has one."""
    return idempotency.stored(ctx, asked.key, asked.request_hash, response) if asked.key else None


async def _refusal(asked: _Asked, fault: Fault) -> Response:
    """A refusal as the answer; stored in a transaction of its own when the request has a key."""
    response = problems.problem(fault, trace_id=telemetry.trace_id(asked.traceparent))
    if asked.key:
        async with asked.edge.app.transaction(asked.caller.tenant.id) as tx:
            ctx = asked.context(tx)
            found = await idempotency.replay(ctx, asked.key, asked.request_hash)
            if found is not None:
                return found
            await leave_work(ctx, _kept(asked, ctx, response))
    return response


async def _run_after_commit(ctx: Ctx) -> None:
    """Do what had to wait for the commit, before the answer leaves; the effect stands even if this fails."""
    for step in ctx.after_commit:
        try:
            await step()
        except Exception:
            log.exception("a step after the commit failed", service=ctx.service, request_id=ctx.request_id)


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


def _finished(request: Request, response: Response) -> Response:
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
