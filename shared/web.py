"""The HTTP edge of a service: one request, one transaction, one answer.

A route is declared by what it does (`read`, `create`, `verb`, `change`, `remove`) with the scope it needs:

    router = Router("Invoices")

    @router.create("/invoices", scope="billing:write")
    async def create_invoice(ctx: CtxDep, body: InvoiceIn) -> InvoiceOut: …

The edge verifies the internal token, checks the scope, opens the transaction, replays a stored answer, runs
the route, serialises, stores the answer with the facts and the audit row, commits, and only then responds: a
failed commit can never have answered 200 (docs/adr/0003).
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any, TypeVar

import asyncpg
import orjson
import structlog
from fastapi import APIRouter, Depends, Header
from fastapi.exceptions import RequestValidationError
from fastapi.params import Form
from fastapi.routing import APIRoute
from opentelemetry.trace import SpanKind
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from shared import auth, clock, idempotency, problems, telemetry
from shared.ctx import Ctx
from shared.db import Database, Transaction
from shared.faults import (
    Busy,
    Fault,
    Forbidden,
    Malformed,
    PreconditionFailed,
    PreconditionRequired,
    TooLarge,
    Unavailable,
    WrongMediaType,
)
from shared.ids import new_id
from shared.tables import TenantRow
from shared.work import leave_work

log = structlog.get_logger()
SCOPE_KEY = "x-required-scope"
SERIALIZATION_TRIES = 4
Handle = Callable[[Request], Coroutine[Any, Any, Response]]
EndpointT = TypeVar("EndpointT", bound=Callable[..., Awaitable[Any]])


class EdgeState:
    """What the edge needs of the running service; hung on the app as `app.state.edge`."""

    def __init__(
        self, service: str, app: Database, verifier: auth.TokenVerifier, wake_relay: Callable[[], None], max_body: int
    ) -> None:
        self.service = service
        self.app = app
        self.verifier = verifier
        self.wake_relay = wake_relay
        self.max_body = max_body


def _current_ctx(request: Request) -> Ctx:
    ctx: Ctx = request.scope["backoffice.ctx"]
    return ctx


CtxDep = Annotated[Ctx, Depends(_current_ctx)]


def _if_match(
    if_match: Annotated[str | None, Header(description="The `version` the change is based on.")] = None,
) -> int:
    if if_match is None:
        raise PreconditionRequired("A change needs If-Match with the version it is based on.")
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isdecimal() or len(text) > 18:
        raise PreconditionFailed("If-Match must be the version as an integer.")
    return int(text)


IfMatch = Annotated[int, Depends(_if_match)]


def require_version(row: TenantRow, version: int) -> None:
    """Refuse a change that was based on an older version."""
    if row.version != version:
        raise PreconditionFailed("The resource has changed meanwhile.", current_version=row.version)


class Operation(APIRoute):
    """A route whose request is one transaction."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:  # noqa: ANN401
        super().__init__(path, endpoint, **options)
        self.needed_scope: str = (self.openapi_extra or {}).get(SCOPE_KEY, "")
        if not self.needed_scope:
            raise TypeError(f"{path}: declare the route with Router.read/create/verb/change/remove and a scope")

    def get_route_handler(self) -> Handle:
        handle = super().get_route_handler()

        async def edge(request: Request) -> Response:
            return await _answer(request, handle, self)

        return edge

    @property
    def reads_form(self) -> bool:
        """Whether the body is a multipart form (a file upload) rather than JSON."""
        return self.body_field is not None and isinstance(self.body_field.field_info, Form)


async def _answer(request: Request, handle: Handle, operation: Operation) -> Response:
    """Answer one request whatever happens, and count it."""
    started = time.perf_counter()
    edge: EdgeState = request.app.state.edge
    request_id = request.headers.get("x-request-id") or str(new_id())
    with telemetry.span(
        f"{request.method} {operation.path}", parent=request.headers.get("traceparent", ""), kind=SpanKind.SERVER
    ) as traceparent:
        trace_id = telemetry.trace_id(traceparent)
        try:
            response = await _transact(request, handle, operation, edge, request_id, traceparent)
        except Fault as fault:
            response = problems.problem(fault, trace_id=trace_id)
        except ClientDisconnect:
            response = Response(status_code=499)
        except Exception:  # noqa: BLE001 - the last resort: a bug answers 500 without details
            log.exception(
                "request failed", service=edge.service, method=request.method, path=request.url.path,
                request_id=request_id, trace_id=trace_id,
            )  # fmt: skip
            response = problems.problem_response(
                500, "internal_error", "Something went wrong on our side; quote the trace_id.", trace_id
            )
    response.headers["x-request-id"] = request_id
    telemetry.REQUESTS.labels(edge.service, operation.path, f"{response.status_code // 100}xx").observe(
        time.perf_counter() - started
    )
    return response


async def _transact(
    request: Request, handle: Handle, operation: Operation, edge: EdgeState, request_id: str, traceparent: str
) -> Response:
    """Check the caller and the body's form, then run the transaction; repeat it when the database asks for that."""
    token = request.headers.get("x-internal-token")
    caller = await edge.verifier.verify(token.encode("latin-1") if token else None)
    if operation.needed_scope not in caller.scopes:
        raise Forbidden(
            f"This needs the scope {operation.needed_scope}.", code="missing_scope", scope=operation.needed_scope
        )
    body = b"" if request.method in ("GET", "HEAD") else await _read_body(request, operation, edge.max_body)
    key = None if request.method in ("GET", "HEAD") else idempotency.key_of(request)
    for attempt in range(SERIALIZATION_TRIES):
        try:
            return await _once(request, handle, operation, edge, caller, request_id, traceparent, body, key)
        except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
            await asyncio.sleep(0.01 * 2**attempt * random.random())  # noqa: S311 - jitter
        except (OSError, asyncpg.InterfaceError, TimeoutError) as error:
            raise Unavailable("The database is away; try again.") from error
    raise Busy("Others are working on the same rows; try again.")


async def _read_body(request: Request, operation: Operation, limit: int) -> bytes:
    """Read the whole body before the transaction begins, so that a slow sender holds no connection."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"The body is larger than {limit} bytes.")
        chunks.append(chunk)
    body = b"".join(chunks)
    if body and operation.body_field is not None:
        wanted = "multipart/form-data" if operation.reads_form else "application/json"
        given = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if given != wanted:
            raise WrongMediaType(f"Send the body as {wanted}.")
    request._body = body  # noqa: SLF001 - Starlette's own cache: FastAPI reads the body from it
    if body and operation.body_field is not None and not operation.reads_form:
        try:
            request._json = orjson.loads(body)  # noqa: SLF001 - refuses NaN, lone surrogates and trailing data
        except orjson.JSONDecodeError as error:
            raise Malformed(f"The body is not valid JSON: {error}.") from error
    return body


async def _once(
    request: Request,
    handle: Handle,
    operation: Operation,
    edge: EdgeState,
    caller: auth.Caller,
    request_id: str,
    traceparent: str,
    body: bytes,
    key: str | None,
) -> Response:
    """One try of the transaction. A refusal rolls back its effects and is then stored under the key."""
    request_hash = idempotency.hash_of(request, body) if key else b""

    def context(tx: Transaction) -> Ctx:
        return Ctx(
            service=edge.service,
            tx=tx,
            tenant=caller.tenant,
            actor=caller.actor,
            scopes=caller.scopes,
            now=clock.utc_now(caller.tenant.clock_offset),
            request_id=request_id,
            traceparent=traceparent,
        )

    replayed = False
    facts = False
    try:
        async with edge.app.transaction(caller.tenant.id, provider=caller.actor.kind == "operator") as tx:
            ctx = context(tx)
            if key:
                found = await idempotency.replay(ctx, key, request_hash)
                if found is not None:
                    return found
            replayed = True
            request.scope["backoffice.ctx"] = ctx
            response = _finished(request, await handle(request))
            if request.method not in ("GET", "HEAD"):
                ctx.audit(operation.name, request.url.path)
            facts = await leave_work(ctx, idempotency.stored(ctx, key, request_hash, response) if key else None)
    except (Fault, RequestValidationError, HTTPException, asyncpg.PostgresError) as error:
        fault = _as_fault(error)
        if fault is None:
            raise
        if not (key and replayed and fault.status < 500 and not isinstance(fault, Busy)):
            raise fault from error
        response = problems.problem(fault, trace_id=telemetry.trace_id(traceparent))
        async with edge.app.transaction(caller.tenant.id) as tx:
            ctx = context(tx)
            found = await idempotency.replay(ctx, key, request_hash)
            if found is not None:
                return found
            await leave_work(ctx, idempotency.stored(ctx, key, request_hash, response))
    if facts:
        edge.wake_relay()
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


def _finished(request: Request, response: Response) -> Response:
    """Add Location and ETag from the resource the body shows."""
    if getattr(response, "body", b"")[:1] == b"{" and response.media_type in (None, "application/json"):
        shown = orjson.loads(response.body)
        if "version" in shown:
            response.headers["etag"] = f'"{shown["version"]}"'
        if response.status_code == 201 and "id" in shown and "location" not in response.headers:
            response.headers["location"] = f"{request.url.path}/{shown['id']}"
    return response


class Router(APIRouter):
    """Routes of one capability below /v1; every route names its scope."""

    def __init__(self, tag: str) -> None:
        super().__init__(prefix="/v1", tags=[tag], route_class=Operation)

    def _declare(
        self, method: str, path: str, scope: str, status: int, **options: Any  # noqa: ANN401
    ) -> Callable[[EndpointT], EndpointT]:
        return self.api_route(
            path, methods=[method], status_code=status, openapi_extra={SCOPE_KEY: scope}, **options
        )

    def read(self, path: str, *, scope: str, **options: Any) -> Callable[[EndpointT], EndpointT]:  # noqa: ANN401
        """GET: shows something, changes nothing."""
        return self._declare("GET", path, scope, 200, **options)

    def create(self, path: str, *, scope: str, status: int = 201, **options: Any) -> Callable[[EndpointT], EndpointT]:  # noqa: ANN401
        """POST on a collection: 201 with Location (202 when the work goes on in the background)."""
        return self._declare("POST", path, scope, status, **options)

    def verb(self, path: str, *, scope: str, **options: Any) -> Callable[[EndpointT], EndpointT]:  # noqa: ANN401
        """POST on a resource's verb: 200 with the resource."""
        return self._declare("POST", path, scope, 200, **options)

    def change(self, path: str, *, scope: str, **options: Any) -> Callable[[EndpointT], EndpointT]:  # noqa: ANN401
        """PATCH with If-Match."""
        return self._declare("PATCH", path, scope, 200, **options)

    def remove(self, path: str, *, scope: str, **options: Any) -> Callable[[EndpointT], EndpointT]:  # noqa: ANN401
        """DELETE: 204."""
        return self._declare("DELETE", path, scope, 204, **options)

