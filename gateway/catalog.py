"""What the services offer: their OpenAPI documents, the route table and the merged document made of them.

Documents are asked for at the start (a service that is away is waited for, then asked again by and by) and again
every minute, so that a service deployed anew is followed without restarting the gateway. A set of documents that
clashes stops a start; later it is refused and the one before stays.
"""

import asyncio
import gzip
from collections.abc import Mapping
from typing import Any

import orjson
import structlog

from gateway.calls import call
from gateway.identity.signing import fingerprint
from gateway.merged_openapi import merged
from gateway.proxy.asgi import AsgiApp
from gateway.proxy.errors import ProxyError
from gateway.routing import Route, RouteClash, RouteTable
from shared.faults import NotFound, Unavailable

log = structlog.get_logger()


class Catalog:
    """The offer of all services, replaced as a whole when it changes."""

    def __init__(self, upstreams: Mapping[str, AsgiApp]) -> None:
        """Know nobody's routes yet."""
        self._upstreams = upstreams
        self._documents: dict[str, dict[str, Any]] = {}
        self._rebuild({})

    @property
    def missing(self) -> list[str]:
        """Services whose routes are not known."""
        return [service for service in self._upstreams if service not in self._documents]

    def route(self, method: str, path: str) -> Route:
        """The route of a request; as long as some service has not told its routes, an unknown path may be its."""
        try:
            return self.routes.find(method, path)
        except NotFound as error:
            if not self.missing:
                raise
            raise Unavailable(
                f"The routes of {', '.join(self.missing)} are not known yet; try again.",
            ) from error

    async def load(self, *, within: float) -> None:
        """Ask every service, again and again until all have answered or the time is up."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        while True:
            await self.refresh(only=self.missing, strict=True)
            if not self.missing or loop.time() >= deadline:
                return
            await asyncio.sleep(0.25)

    async def refresh(self, *, only: list[str] | None = None, strict: bool = False) -> None:
        """Ask services for their documents, all at once, and take in each as it comes: nobody waits for the slowest."""
        asked = list(self._upstreams) if only is None else only
        await asyncio.gather(*(self._take(service, strict) for service in asked))

    async def _take(self, service: str, strict: bool) -> None:
        """Rebuild the offer when this service's part of it has changed."""
        document = await self._ask(service)
        if document is None or document == self._documents.get(service):
            return
        found = self._documents | {service: document}
        try:
            self._rebuild({name: found[name] for name in self._upstreams if name in found})
        except RouteClash:
            if strict:
                raise
            log.exception("the services' routes clash; the former ones stay", upstream=service)

    async def _ask(self, service: str) -> dict[str, Any] | None:
        try:
            status, body = await call(self._upstreams[service], "GET", "/openapi.json")
            document = orjson.loads(body) if status == 200 else None
        except (ProxyError, orjson.JSONDecodeError) as error:
            log.info("a service does not tell its routes yet", upstream=service, error=str(error))
            return None
        return document if isinstance(document, dict) else None

    def _rebuild(self, documents: dict[str, dict[str, Any]]) -> None:
        """All or nothing: what cannot be built leaves the former offer in place."""
        table = RouteTable(documents)
        document = merged(documents)
        self._documents = documents
        self.routes = table
        self.document = document
        self.document_bytes = orjson.dumps(document)
        self.document_gzip = gzip.compress(self.document_bytes, 6, mtime=0)
        self.etag = f'"{fingerprint(self.document_bytes).hex()}"'
