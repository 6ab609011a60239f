"""The public door: every request takes these steps, in this order, as raw ASGI.

1. request id and deadline   2. read in one way only   3. own paths (token, keys, probes, documents)
4. route: 404, 405   5. who calls, for which tenant   6. limit of refused attempts per address   7. the tenant's rate
8. its state and subscription   9. its requests in hand   10. the body, counted, until it is whole   11. its turn among
the tenant's own   12. internal token and deadline   13. the service; its answer streams   14. failures as problem
documents   15. metrics, access log, span

Which scope an operation needs is the service's to check: it is declared there, beside the operation.
"""

import asyncio
import time
from collections.abc import Mapping

import structlog
from opentelemetry.trace import SpanKind

from gateway.door.exchange import LIMITED, UPSTREAM_ERRORS, Exchange
from gateway.door.failures import fault_of
from gateway.door.front import Front
from gateway.door.in_hand import InHand
from gateway.door.turns import BYTES_OF_ONE, Turns, Work
from gateway.identity import faults
from gateway.identity.addresses import Addresses
from gateway.identity.directory import Directory, Grant
from gateway.identity.rate_limits import Gcra, Limit
from gateway.identity.signing import KeyRing
from gateway.routes.table import Route
from gateway.settings import GatewaySettings
from gateway.tenants.rules import TenantState
from gateway.upstream.body import capped_receive
from gateway.upstream.errors import (
    BodyShareUsed,
    ClientDisconnected,
    NoRoomForBody,
    ProxyError,
    UpstreamAborted,
    UpstreamError,
)
from gateway.upstream.http import OWNER
from gateway.upstream.request_head import announced_length
from gateway.upstream.spool import Body, BodyRoom
from shared.base import telemetry
from shared.base.database_errors import DATABASE_ERRORS
from shared.httpserver.asgi import AsgiApp, Receive, Scope, Send, set_deadline
from shared.values.faults import Fault, Unauthenticated, Unavailable

log = structlog.get_logger()
OWN_SERVICE = "gateway"
REFUSAL_SECONDS = (
    0.2  # before a limit refuses: who asks again at once would cost as much as if it were served
)


class Pipeline:
    """The gateway's public ASGI app."""

    def __init__(
        self,
        *,
        front: Front,
        directory: Directory,
        keys: KeyRing,
        upstreams: Mapping[str, AsgiApp],
        bodies: BodyRoom,
        settings: GatewaySettings,
    ) -> None:
        """`upstreams` has the services and, as `gateway`, our own resources."""
        self._front = front
        self._directory = directory
        self._keys = keys
        self._upstreams = upstreams
        self._bodies = bodies
        self._settings = settings
        self._addresses = Addresses(settings.trusted_proxies)
        self._failures = Gcra()
        self._failure_limit = Limit.per(settings.address_failures_per_minute, 60.0, "refused")
        self._requests = Gcra()
        self._in_hand = InHand(settings.tenant_in_hand)
        self._turns = Turns()
        self._tenant_limit = Limit(settings.tenant_rate_per_minute / 60.0, settings.tenant_burst, "tenant")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        exchange = Exchange(scope, send)
        parent = ""
        if self._settings.trust_trace:
            parent = exchange.inbound.reserved.get(b"traceparent", b"").decode("latin-1")
        try:
            if not telemetry.records():
                exchange.traceparent = telemetry.continued(parent)
                await self._answer(exchange, receive)
                return
            with telemetry.span("gateway", parent=parent, kind=SpanKind.SERVER) as traceparent:
                exchange.traceparent = traceparent
                await self._answer(exchange, receive)
        finally:
            exchange.account()

    async def _answer(self, exchange: Exchange, receive: Receive) -> None:
        """Answer, whatever happens on the way."""
        try:
            await self._serve(exchange, receive)
        except Exception as error:  # noqa: BLE001 - answered there, or raised again
            await self._answer_failure(error, exchange, receive)

    async def _answer_failure(self, error: Exception, exchange: Exchange, receive: Receive) -> None:
        """Turn whatever was raised into an answer, unless the answer has begun already."""
        if isinstance(error, ClientDisconnected):
            exchange.status = error.status  # 408 was answered by the server, 499 is nobody's answer
        elif isinstance(error, UpstreamAborted):
            self._count_error(exchange, "aborted")
            raise error  # the server must cut the connection, else the answer would look complete
        elif exchange.started:
            if not isinstance(error, Fault | ProxyError):
                log.error("the gateway failed", request_id=exchange.request_id.decode(), exc_info=error)
            raise error
        elif isinstance(error, Fault | ProxyError):
            if isinstance(error, UpstreamError):
                self._count_error(exchange, type(error).__name__)
            fault = fault_of(error, exchange.route)
            if isinstance(fault, faults.LIMITS):
                LIMITED.labels(fault.limit).inc()
                await asyncio.sleep(REFUSAL_SECONDS)
            await exchange.refuse(fault, receive)
        else:
            log.error("the gateway failed", request_id=exchange.request_id.decode(), exc_info=error)
            await exchange.fail(receive)

    async def _serve(self, exchange: Exchange, receive: Receive) -> None:
        scope, inbound = exchange.scope, exchange.inbound
        inbound.require_unambiguous(scope)
        path: str = scope["path"]
        if not path.startswith("/v1/"):
            await self._front.serve(exchange, receive, self._addresses.of(scope))
            return
        exchange.route = route = self._front.catalog.route(scope["method"], path)
        grant = self._directory.remembered(inbound.caller)
        if grant is None:
            reserved = inbound.reserved
            grant = await self._caller(
                scope, reserved.get(b"authorization"), reserved.get(b"backoffice-tenant")
            )
        exchange.grant = grant
        self._within_rate(exchange, grant)
        self._admit(grant, route)
        self._in_hand.begin(grant.limit_key)
        body: Body | None = None
        work: Work | None = None
        try:
            if inbound.framed or scope["http_version"][:2] != "1.":  # else there is no body (RFC 9112, 6.3)
                body = await self._body(scope, receive, route, grant)
                receive = body.receive
                length = announced_length(scope["headers"]) or BYTES_OF_ONE
            else:
                length = 0
            work = await self._turns.begin(grant.limit_key, length, time.monotonic())
            forwarded = self._forwarded(exchange, route, grant)
            await self._upstreams[route.service](forwarded, receive, exchange.send)
            if exchange.large:
                await exchange.taken()
        finally:
            if work is not None:
                self._turns.end(grant.limit_key, work)
            if body is not None:
                body.close()
            self._in_hand.end(grant.limit_key)

    async def _body(self, scope: Scope, receive: Receive, route: Route, grant: Grant) -> Body:
        """The body, when it is whole: no connection to the service is taken, and no time of its counted, before."""
        capped = capped_receive(receive, route.body_limits[scope["method"]], scope["headers"])
        try:
            return await self._bodies.whole(grant.limit_key, capped, scope["headers"])
        except BodyShareUsed as error:
            raise faults.TooManyBytesInHand(
                "The bodies of this tenant's requests in hand come to as many bytes as they may; send this one later."
            ) from error
        except NoRoomForBody as error:
            raise faults.NoRoomForBody("There is no room for this body now; try again.") from error

    async def _caller(self, scope: Scope, authorization: bytes | None, named: bytes | None) -> Grant:
        """Who calls and for whom, by the database. What is refused counts against the address, and only that waits."""
        address = self._addresses.of(scope)
        try:
            return await self._directory.grant(authorization, named)
        except Unauthenticated:
            counted = self._failures.check(address, self._failure_limit, time.monotonic())
            if counted.allowed:
                raise
            raise faults.TooManyRequests(
                "Too many refused attempts from this address.",
                limit="address",
                seconds=counted.retry_after,
            ) from None
        except DATABASE_ERRORS as error:
            log.warning("credentials cannot be looked up", error=repr(error))
            raise Unavailable("Credentials cannot be checked now; try again.") from error

    def _admit(self, grant: Grant, route: Route) -> None:
        """Check the tenant's state and subscription; the gateway's own resources stay open to operators."""
        own = route.service == OWN_SERVICE
        if not (own and grant.actor.kind == "operator"):
            if grant.state == TenantState.SUSPENDED:
                raise faults.TenantSuspended("This tenant is suspended.")
            if grant.state == TenantState.CLOSED:
                raise faults.TenantIsClosed("This tenant is closed.")
        if own:
            return
        if not grant.chosen:
            raise faults.TenantRequired("Operators name the tenant they act for in Backoffice-Tenant.")
        if route.service not in grant.services:
            raise faults.ServiceNotSubscribed(
                f"This tenant has not subscribed to {route.service}.", service=route.service
            )
        if grant.state == TenantState.PROVISIONING:
            raise faults.TenantProvisioning("This tenant is still being set up; try again shortly.")

    def _within_rate(self, exchange: Exchange, grant: Grant) -> None:
        decision = self._requests.check(grant.limit_key, self._tenant_limit, time.monotonic())
        exchange.decision = decision
        exchange.limit = self._tenant_limit
        if not decision.allowed:
            raise faults.RateLimited("This tenant has made too many requests.")

    def _forwarded(self, exchange: Exchange, route: Route, grant: Grant) -> Scope:
        """The request as its service gets it, with our word for who calls, and its deadline."""
        scope, settings = exchange.scope, self._settings
        seconds = settings.import_seconds if scope["method"] in route.uploads else settings.request_seconds
        inbound = exchange.inbound.for_upstream(self._upstreams[route.service], grant.tenant.id)
        headers = [
            *inbound.kept,
            (b"x-internal-token", grant.token(route.service, self._keys)),
            (b"x-request-id", exchange.request_id),
            (b"traceparent", exchange.traceparent.encode()),
        ]
        forwarded: Scope = {**scope, "headers": headers, "extensions": {OWNER: grant.tenant.id}}
        set_deadline(forwarded, time.monotonic() + seconds)  # the clock of event loops
        return forwarded

    def _count_error(self, exchange: Exchange, kind: str) -> None:
        service = exchange.route.service if exchange.route is not None else "none"
        UPSTREAM_ERRORS.labels(service, kind).inc()


async def _lifespan(receive: Receive, send: Send) -> None:
    """Start and stop are `Gateway.start` and `stop`; the server's lifespan has nothing to add."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
