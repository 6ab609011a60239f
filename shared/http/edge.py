"""What happens to one request: caller, scope, body, one transaction, one answer.

The edge verifies the internal token, checks the scope, reads the body, opens the transaction, replays a stored
answer, runs the route, serialises, stores the answer with the facts and the audit row, commits, and only then
responds: a failed commit can never have answered 200 (docs/adr/0003). What costs more than reading it, a document's
form, is made after that, when no connection is held any more (`shared.http.documents`).
"""

import asyncio
import random
import time
from dataclasses import replace
from functools import partial

import orjson
import structlog
from opentelemetry.trace import SpanKind
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from shared.base import telemetry
from shared.database.pool import REPEATABLE, DatabaseAway, ShareUsedUp
from shared.http import idempotency, problems
from shared.http.afterwards import made
from shared.http.fast.request_batches import Call, RequestBatches
from shared.http.request_transaction import SHOWN, Declared, EdgeState, Handle, RequestInfo, only_reads
from shared.http.uploads import FORM, received
from shared.http.waiting import PREFERENCE_APPLIED, Looked, wish_of
from shared.values.faults import (
    Busy,
    Fault,
    Forbidden,
    Malformed,
    NotYetKnown,
    TooLarge,
    TooManyAtOnce,
    Unavailable,
    WrongMediaType,
)
from shared.values.ids import new_id

log = structlog.get_logger()
REPEATS = 4
ON_ITS_WAY = (
    0.05,
    0.1,
    0.2,
    0.4,
    0.6,
    0.65,
)  # seconds before each further look for what another service made
MOST_PIECES = 100_000  # lists and objects of a body, by their brackets; half a million hold the loop 0.1 s


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
            problems.let_go(fault)
        except DatabaseAway as error:
            response = problems.problem(_absence(error, edge.runtime.name), trace_id=trace_id)
        except ClientDisconnect:
            response = Response(status_code=499)
        except Exception:  # the last resort: a bug answers 500 without details
            log.exception(
                "request failed", service=edge.runtime.name, method=request.method, path=request.scope["path"],
                tenant_id=request.scope.get("backoffice.tenant_id"), request_id=request_id, trace_id=trace_id,
            )  # fmt: skip
            response = problems.problem_response(
                500, "internal_error", "Something went wrong on our side; quote the trace_id.", trace_id
            )
    response.headers["x-request-id"] = request_id
    seconds = time.perf_counter() - started
    waited = operation.waits_for and PREFERENCE_APPLIED in response.headers
    service = f"{edge.runtime.name}_waiting" if waited else edge.runtime.name
    telemetry.request_histogram(service, operation.path, response.status_code // 100).observe(seconds)
    return response


def _absence(error: DatabaseAway, service: str) -> Fault:
    """What it means to a caller that no transaction could be opened, or that nobody knows how one ended."""
    if isinstance(error, ShareUsedUp):
        telemetry.REFUSED_BY_SHARE.labels(service, "connection").inc()
        return TooManyAtOnce("Too many of your requests are at work; send fewer at the same time.")
    return Unavailable("The database is away; try again.")


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
    if request.scope["query_string"]:
        request._query_params = operation.parameters.require_known(request.scope)
    reads = only_reads(request)
    key = None if reads else idempotency.key_of(request)
    if operation.upload_limit:
        async with received(request, operation, edge.runtime, caller.tenant.id) as request_hash:
            info = RequestInfo(edge, operation, caller, request_id, traceparent, key, request_hash)
            return await _tried(request, handle, info, b"")
    body = b"" if reads else await _read_body(request, operation)
    request_hash = idempotency.hash_of(request, body, edge.runtime.app_db.keyring) if key else b""
    info = RequestInfo(edge, operation, caller, request_id, traceparent, key, request_hash)
    wish = wish_of(request, operation.waits_for, caller.tenant.id) if operation.waits_for else None
    if wish is None:
        return await made(await _tried(request, handle, info, body))
    return await edge.waiting.until_found(wish, partial(_looked, request, handle, info))


async def _looked(request: Request, handle: Handle, info: RequestInfo) -> Looked:
    """The answer as it is now, and whether it is a page with nothing on it."""
    response = await _tried(request, handle, info, b"")
    return response, getattr(request.scope.get(SHOWN), "items", None) == []


async def _tried(request: Request, handle: Handle, info: RequestInfo, body: bytes) -> Response:
    """Run the transaction; again while what it names may be on its way from another service."""
    for seconds in ON_ITS_WAY:
        try:
            return await _repeated(request, handle, info, body)
        except NotYetKnown:
            await asyncio.sleep(seconds)
    return await _repeated(request, handle, replace(info, asks_again=False), body)


async def _repeated(request: Request, handle: Handle, info: RequestInfo, body: bytes) -> Response:
    """Run the transaction; repeat it when the database asks for that."""
    batches: RequestBatches = request.app.state.batches
    for attempt in range(REPEATS):
        fresh = _fresh(request, body, info.operation)
        try:
            return await batches.take(Call(fresh, handle, info))
        except REPEATABLE:
            await asyncio.sleep(0.01 * 2**attempt * random.random())  # noqa: S311 - jitter
    raise Busy("Others are working on the same rows; try again.")


def _fresh(request: Request, body: bytes, operation: Declared) -> Request:
    """The request as it was before a try."""
    fresh = Request(request.scope, request.receive)
    fresh._body = body
    fresh._form = request.scope.get(FORM)
    if request.scope["query_string"]:
        fresh._query_params = request.query_params  # taken apart once
    fresh._cookies = {}  # nobody here reads them, but FastAPI would have them taken apart, which may take long
    if body and operation.takes_body:
        fresh._json = _parsed(body)
    return fresh


def _parsed(body: bytes) -> object:
    """The body's content; raises `Malformed` for what is no JSON, nested too deep, or made of too many pieces."""
    if body.count(b"[") + body.count(b"{") > MOST_PIECES:
        raise Malformed(f"The body has more than {MOST_PIECES} lists and objects.", limit=MOST_PIECES)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"The body is not valid JSON: {error}.") from error


async def _read_body(request: Request, operation: Declared) -> bytes:
    """Read the whole body before the transaction begins, so that a slow sender holds no connection."""
    chunks, size, limit = [], 0, operation.body_limit
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"The body is larger than {limit} bytes.", limit=limit)
        chunks.append(chunk)
    body = b"".join(chunks)
    if body and operation.takes_body:
        given = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if given != "application/json":
            raise WrongMediaType("Send the body as application/json.")
    return body
