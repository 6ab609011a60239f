"""One request at the gateway: what is known of it so far, how it is answered, counted and logged."""

import re
import time
from collections.abc import Iterable

import structlog
from prometheus_client import Counter, Gauge
from starlette.responses import Response
from uuid_utils import uuid7

from gateway.door.inbound import Inbound
from gateway.identity.directory import Grant
from gateway.identity.rate_limits import Decision, Limit
from gateway.routes.table import Route
from shared.base import telemetry
from shared.http import problems
from shared.httpserver.asgi import TAKEN, Headers, Message, Receive, Scope, Send
from shared.httpserver.headers import find
from shared.values.faults import Fault

log = structlog.get_logger("access")
IN_FLIGHT = Gauge("backoffice_gateway_in_flight", "Requests being answered")
_in_flight: set["Exchange"] = set()
IN_FLIGHT.set_function(_in_flight.__len__)
UPSTREAM_ERRORS = Counter(
    "backoffice_gateway_upstream_errors_total",
    "Requests a service did not answer properly",
    ["upstream", "kind"],
)
LIMITED = Counter("backoffice_gateway_limited_total", "Requests refused by a limit", ["limit"])
_UUID = re.compile(rb"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_OWN_HEADERS = frozenset((b"x-request-id", b"ratelimit", b"ratelimit-policy", b"server", b"date"))
_NOSNIFF = (b"x-content-type-options", b"nosniff")
SMALL = 64 * 1024  # of an answer: so much of it any connection may hold
_NO_STORE = (b"cache-control", b"no-store")


class Exchange:
    """Wraps the server's `send`, so that every answer, whoever gives it, leaves with the same headers."""

    __slots__ = (
        "_began",
        "_send",
        "decision",
        "grant",
        "inbound",
        "large",
        "limit",
        "request_id",
        "route",
        "scope",
        "started",
        "status",
        "traceparent",
        "waited",
    )

    def __init__(self, scope: Scope, send: Send) -> None:
        """Take the caller's request id if it is a UUID, else make one."""
        self.inbound = Inbound(scope["headers"])
        given = self.inbound.reserved.get(b"x-request-id")
        sane = given is not None and _UUID.fullmatch(given)
        self.request_id = given.lower() if given is not None and sane else str(uuid7()).encode()
        self.scope = scope
        _in_flight.add(self)
        self.route: Route | None = None
        self.grant: Grant | None = None
        self.decision: Decision | None = None
        self.limit: Limit | None = None
        self.status = 0
        self.started = self.large = False
        self.traceparent = ""
        self.waited = False
        self._send = send
        self._began = time.perf_counter()

    async def send(self, message: Message) -> None:
        """Pass a message to the client; the first one gets our headers."""
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            message["headers"] = self._with_ours(message.get("headers", ()))
        elif message.get("more_body", False) or len(message.get("body", b"")) > SMALL:
            self.large = True
        await self._send(message)

    async def taken(self) -> None:
        """Wait until the caller has taken a large answer or has gone: until then it is memory of ours."""
        if TAKEN in self.scope:
            await self._send({"type": TAKEN})

    def _with_ours(self, given: Iterable[tuple[bytes, bytes]]) -> Headers:
        """The headers of an answer, with those that every answer of the gateway has."""
        headers: Headers = [pair for pair in given if pair[0] not in _OWN_HEADERS]
        self.waited = self.inbound.waits and find(headers, b"preference-applied") is not None
        if self.route is not None and find(headers, b"cache-control") is None:
            headers.append(_NO_STORE)
        headers += ((b"x-request-id", self.request_id), _NOSNIFF)
        if self.decision is not None and self.limit is not None:
            headers += self.decision.headers(self.limit)
        return headers

    async def answer(self, response: Response, receive: Receive) -> None:
        """Answer by ourselves."""
        await response(self.scope, receive, self.send)

    async def refuse(self, fault: Fault, receive: Receive) -> None:
        """Answer with a problem document; the limiter's own Retry-After is among its headers."""
        response = problems.problem(fault, trace_id=telemetry.trace_id(self.traceparent))
        await self.answer(response, receive)

    async def fail(self, receive: Receive) -> None:
        """Answer that the fault is ours, without saying which."""
        await self.answer(
            problems.problem_response(
                500,
                "internal_error",
                "Something went wrong on our side; quote the trace_id.",
                telemetry.trace_id(self.traceparent),
            ),
            receive,
        )

    def account(self) -> None:
        """Count and log the request: one line, without anything secret."""
        _in_flight.discard(self)
        seconds = time.perf_counter() - self._began
        template = self.route.template if self.route is not None else self._own_path()
        status = self.status or 499
        # A wait that was wished for is no slowness: the alarm that watches the edge must not ring for it.
        edge = "edge_waiting" if self.waited else "edge"
        telemetry.request_histogram(edge, template, status // 100).observe(seconds)
        if not telemetry.logs_access():
            return
        grant = self.grant
        log.info(
            "request",
            method=self.scope["method"],
            route=template,
            status=status,
            ms=round(seconds * 1000, 1),
            tenant=str(grant.tenant.id) if grant is not None else None,
            client=grant.actor.id if grant is not None else None,
            request_id=self.request_id.decode(),
            trace_id=telemetry.trace_id(self.traceparent),
        )

    def _own_path(self) -> str:
        path: str = self.scope["path"]
        return path if path in OWN_PATHS else "unmatched"


OWN_PATHS = frozenset(
    (
        "/",
        "/docs",
        "/docs/problems",
        "/openapi.json",
        "/oauth/token",
        "/.well-known/jwks.json",
        "/livez",
        "/readyz",
        "/metrics",
    )
)
