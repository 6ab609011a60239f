"""What the services offer: their operations, the route table made of them, and the merged OpenAPI document.

Operations are asked for at the start (a service that is away is waited for, then asked again by and by) and again
every minute, so that a service deployed anew is followed without restarting the gateway. Operations that clash stop
a start; later they are refused and the ones before stay. The document is made when somebody asks for it, since
describing every schema takes a service longer than all else it does at its start.
"""

import asyncio
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import orjson
import structlog

from gateway.identity.signing import fingerprint
from gateway.routes.merged_openapi import merged
from gateway.routes.table import Route, RouteClash, RouteTable
from gateway.upstream.calls import call
from gateway.upstream.errors import ProxyError
from shared.base.shared_answer import SharedAnswer
from shared.httpserver.asgi import AsgiApp
from shared.values.faults import NotFound, Unavailable

log = structlog.get_logger()
FRESH_SECONDS = 60.0  # a document is as old as this at most, like the routes
RETRY_SECONDS = 5.0  # when a service did not answer
DOCUMENT_SECONDS = (
    20.0  # describing every schema keeps a service busy for seconds, on a loaded machine for longer
)
Documents = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Shown:
    """The merged document as it is sent."""

    document: dict[str, Any]
    body: bytes
    compressed: bytes
    etag: str

    @classmethod
    def of(cls, documents: Documents) -> Self:
        """One document of all."""
        document = merged(documents)
        body = orjson.dumps(document)
        return cls(document, body, gzip.compress(body, 6, mtime=0), f'"{fingerprint(body).hex()}"')


class Catalog:
    """The offer of all services, replaced as a whole when it changes."""

    def __init__(self, upstreams: Mapping[str, AsgiApp]) -> None:
        """Know nobody's routes yet."""
        self._upstreams = upstreams
        self._operations: Documents = {}
        self._documents: Documents = {}
        self._shown: Shown | None = None
        self._shown_until = 0.0
        self._newest = SharedAnswer(self._describe, seconds=0.0)
        self._rebuild({})

    @property
    def missing(self) -> list[str]:
        """Services whose routes are not known."""
        return [service for service in self._upstreams if service not in self._operations]

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
        """Ask services for their operations, all at once, and take in each as it comes, not with the slowest."""
        asked = list(self._upstreams) if only is None else only
        await asyncio.gather(*(self._take(service, strict) for service in asked))

    async def _take(self, service: str, strict: bool) -> None:
        """Rebuild the offer when this service's part of it has changed."""
        operations = await self._ask(service, "/operations.json")
        if operations is None or operations == self._operations.get(service):
            return
        found = self._operations | {service: operations}
        try:
            self._rebuild({name: found[name] for name in self._upstreams if name in found})
        except RouteClash:
            if strict:
                raise
            log.exception("the services' routes clash; the former ones stay", upstream=service)

    async def shown(self) -> Shown:
        """The merged document; of a service that does not answer, what it said before.

        A document that lacks routes which are served would be believed by whoever generates a client from it, so as
        long as a service with known routes has never described them, there is none. One that is away is left out.
        """
        return self._fresh() or await self._newest.get()

    def _fresh(self) -> Shown | None:
        return self._shown if asyncio.get_running_loop().time() < self._shown_until else None

    async def _describe(self) -> Shown:
        """Ask every service; all who want the document meanwhile wait for one look, and share what it fails by, too."""
        if fresh := self._fresh():
            return fresh
        now = asyncio.get_running_loop().time()
        answers = await asyncio.gather(
            *(self._ask(name, "/openapi.json", seconds=DOCUMENT_SECONDS) for name in self._upstreams)
        )
        found = {n: a or self._documents.get(n) for n, a in zip(self._upstreams, answers, strict=True)}
        documents = {name: document for name, document in found.items() if document is not None}
        if silent := [name for name in self._operations if name not in documents]:
            raise Unavailable(f"{', '.join(silent)} did not describe its routes in time; try again.")
        if self._shown is None or documents != self._documents:
            self._shown, self._documents = Shown.of(documents), documents
        self._shown_until = now + (FRESH_SECONDS if all(answers) else RETRY_SECONDS)
        return self._shown

    async def _ask(self, service: str, path: str, *, seconds: float = 5.0) -> dict[str, Any] | None:
        try:
            status, body = await call(self._upstreams[service], "GET", path, seconds=seconds)
            document = orjson.loads(body) if status == 200 else None
        except (ProxyError, orjson.JSONDecodeError) as error:
            log.info(
                "a service does not tell what it offers yet", upstream=service, path=path, error=str(error)
            )
            return None
        return document if isinstance(document, dict) else None

    def _rebuild(self, operations: Documents) -> None:
        """All or nothing: what cannot be built leaves the former offer in place."""
        self.routes = RouteTable(operations)
        self._operations = operations
        self._shown_until = 0.0
