"""What the gateway answers itself outside /v1: tokens, keys, probes, the API's document and its pages."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import RedirectResponse, Response

from gateway.door import pages
from gateway.door.exchange import Exchange
from gateway.identity.signing import KeyRing
from gateway.identity.token_endpoint import LONGEST_BODY, TokenEndpoint
from gateway.routes.catalog import Catalog
from gateway.routes.table import MethodNotAllowed
from gateway.upstream.body import capped_receive
from gateway.upstream.calls import call
from gateway.upstream.errors import ClientDisconnected, ProxyError
from gateway.upstream.table import observe
from shared.base.database_errors import DATABASE_ERRORS
from shared.base.health import may_scrape, metrics
from shared.base.shared_answer import SharedAnswer
from shared.http.parameters import Parameters
from shared.httpserver.asgi import AsgiApp, Receive
from shared.httpserver.headers import find
from shared.values.faults import NotFound, Unavailable
from shared.values.networks import Networks

PROBE_SECONDS = 2.0
READY_SECONDS = 1.0  # how old what is said of the services may be, however many ask
JSON = "application/json"
NOTHING = Parameters(frozenset())
Answer = Callable[[Exchange, Receive, str], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _Own:
    """One of our own paths."""

    methods: tuple[str, ...]
    answer: Answer
    query: Parameters | None = NOTHING
    """What a query may have; anything for pages, which links lead to that others have written."""


class Front:
    """The gateway's own paths."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        keys: KeyRing,
        tokens: TokenEndpoint,
        services: Mapping[str, AsgiApp],
        own_complaints: Callable[[], Awaitable[list[str]]],
        scrapers: Networks,
    ) -> None:
        """`own_complaints` tells what keeps the gateway itself from working; `scrapers` may read metrics."""
        self.catalog = catalog
        self._keys = keys
        self._tokens = tokens
        self._services = services
        self._states = SharedAnswer(self._ask_services, seconds=READY_SECONDS)
        self._own_complaints = own_complaints
        self._scrapers = scrapers
        get = ("GET", "HEAD")
        self._paths: dict[str, _Own] = {
            "/": _Own(get, self._root, None),
            "/oauth/token": _Own(("POST",), self._token),
            "/.well-known/jwks.json": _Own(get, self._jwks),
            "/openapi.json": _Own(get, self._openapi),
            "/livez": _Own(get, self._livez),
            "/readyz": _Own(get, self._readyz, Parameters(frozenset(("only",)))),
            "/metrics": _Own(get, self._metrics),
        }
        for path, content in pages.load().items():
            self._paths[path] = _Own(get, _page(content), None)

    async def serve(self, exchange: Exchange, receive: Receive, address: str) -> None:
        """Answer a request for one of our own paths; anything else is unknown."""
        path = exchange.scope["path"]
        own = self._paths.get(path)
        if own is None:
            raise _unknown(path)
        if exchange.scope["method"] not in own.methods:
            raise MethodNotAllowed(exchange.scope["method"], list(own.methods))
        if own.query is not None and exchange.scope["query_string"]:
            own.query.require_known(exchange.scope)
        await exchange.answer(await own.answer(exchange, receive, address), receive)

    async def _root(self, *_: object) -> Response:
        return RedirectResponse("/docs", 307)

    async def _token(self, exchange: Exchange, receive: Receive, address: str) -> Response:
        headers = exchange.scope["headers"]
        body = await _whole(capped_receive(receive, LONGEST_BODY, headers))
        try:
            return await self._tokens.answer(headers, body, address)
        except DATABASE_ERRORS as error:
            raise Unavailable("Credentials cannot be checked now; try again.") from error

    async def _jwks(self, *_: object) -> Response:
        return Response(
            orjson.dumps(self._keys.jwks()), media_type=JSON, headers={"cache-control": "public, max-age=60"}
        )

    async def _openapi(self, exchange: Exchange, *_: object) -> Response:
        shown = await self.catalog.shown()
        headers = {"etag": shown.etag, "cache-control": "no-cache", "vary": "accept-encoding"}
        if find(exchange.scope["headers"], b"if-none-match") == shown.etag.encode():
            return Response(status_code=304, headers=headers)
        body = shown.body
        if b"gzip" in (find(exchange.scope["headers"], b"accept-encoding") or b""):
            headers["content-encoding"] = "gzip"
            body = shown.compressed
        return Response(body, media_type=JSON, headers=headers)

    async def _livez(self, *_: object) -> Response:
        return Response(b'{"status":"alive"}', media_type=JSON)

    async def _readyz(self, exchange: Exchange, *_: object) -> Response:
        """Ready when we and all services are; `?only=self` leaves the services out, for orchestrators."""
        alone = exchange.scope["query_string"] == b"only=self"
        services = {} if alone else await self._states.get()
        complaints = await self._own_complaints()
        complaints += [f"{name} is {state}" for name, state in services.items() if state != "ready"]
        if services:
            complaints += [f"the routes of {name} are not known" for name in self.catalog.missing]
        body: dict[str, Any] = {
            "status": "not ready" if complaints else "ready",
            "services": services,
            "complaints": complaints,
        }
        return Response(orjson.dumps(body), 503 if complaints else 200, {"cache-control": "no-store"}, JSON)

    async def _ask_services(self) -> dict[str, str]:
        names = list(self._services)
        states = await asyncio.gather(*(self._state_of(name) for name in names))
        return dict(zip(names, states, strict=True))

    async def _state_of(self, name: str) -> str:
        try:
            status, _ = await call(self._services[name], "GET", "/readyz", seconds=PROBE_SECONDS)
        except ProxyError:
            return "away"
        return "ready" if status == 200 else "not ready"

    async def _metrics(self, exchange: Exchange, *_: object) -> Response:
        scope = exchange.scope
        peer = scope.get("client")
        if not may_scrape(peer[0] if peer else "", scope["headers"], self._scrapers):
            raise _unknown(scope["path"])
        observe(self._services)
        return metrics.answer()


def _unknown(path: str) -> NotFound:
    return NotFound("resource at", path[:200])


def _page(content: pages.Page) -> Answer:
    async def answer(exchange: Exchange, *_: object) -> Response:
        headers = dict(pages.HEADERS) | {"etag": content.etag}
        if find(exchange.scope["headers"], b"if-none-match") == content.etag.encode():
            return Response(status_code=304, headers=headers)
        return Response(content.body, media_type=content.media_type, headers=headers)

    return answer


async def _whole(receive: Receive) -> bytes:
    """The whole of a small body."""
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected("the client has gone")
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)
