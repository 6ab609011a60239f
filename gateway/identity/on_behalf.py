"""Asking services on behalf of a caller: with a token that says who that is and what it may, as the pipeline's does."""

from collections.abc import Mapping

from gateway.identity.scopes import HELD_BY_CLIENTS
from gateway.identity.signing import KeyRing
from gateway.upstream.calls import call
from shared.context.ctx import Ctx
from shared.http import internal_token
from shared.httpserver.asgi import AsgiApp

SECONDS = 5.0  # a service that takes longer is named as missing


class OnBehalf:
    """Reads of services, each as the caller of the request at hand."""

    def __init__(self, services: Mapping[str, AsgiApp], keys: KeyRing) -> None:
        self._services = services
        self._keys = keys

    async def read(self, ctx: Ctx, service: str, path: str, query: str) -> tuple[int, bytes]:
        """GET a resource; answers status and body, or raises `ProxyError` when there is no answer in time."""
        token = internal_token.mint(
            self._keys.internal,
            audience=service,
            tenant=ctx.tenant,
            actor=ctx.actor,
            scopes=ctx.scopes - HELD_BY_CLIENTS,  # those are held at the gateway alone
        )
        headers = [
            (b"x-internal-token", token.encode()),
            (b"x-request-id", ctx.request_id.encode("latin-1", "replace")),
            (b"traceparent", ctx.traceparent.encode()),
        ]
        return await call(self._services[service], "GET", path, headers=headers, query=query, seconds=SECONDS)
