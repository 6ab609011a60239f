"""The whole suite behind a gateway, for tests: orders and billing, and an echo in helpdesk's place."""

import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson

from gateway.app import Gateway, build_gateway
from gateway.first_start import FirstStart
from gateway.settings import GatewaySettings
from gateway.upstream.errors import UpstreamUnavailable
from gateway.upstream.local import LocalUpstream
from services.all import SERVICES
from shared.bus.pg import transport as bus_pg
from shared.http import internal_token
from shared.httpserver.asgi import AsgiApp, Message, Receive, Scope, Send
from shared.service.runtime import ServiceRuntime
from tests.kit.suite import BUS_PASSWORD, test_settings

ADMIN = ("operator-of-the-tests", "a secret + with % signs")
ADDRESSES = (f"10.0.{n // 250}.{n % 250}" for n in itertools.count(1))
ECHO_METHODS = {
    "/v1/echoes": ("get", "post"),
    "/v1/echoes/{id}": ("get", "patch"),
    "/v1/echo-files": ("post",),
}
ECHO_LIMITS = {
    ("patch", "/v1/echoes/{id}"): {"x-body-limit": 4096},
    ("post", "/v1/echo-files"): {"x-upload-limit": 3 << 20},
}
ECHO_DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Echo", "version": "1"},
    "paths": {
        path: {
            method: {
                "operationId": f"{method}_{path}",
                "x-required-scope": "helpdesk:read",
                "tags": ["Echo"],
                **ECHO_LIMITS.get((method, path), {}),
                "responses": {"200": {"description": "What came."}},
            }
            for method in methods
        }
        for path, methods in ECHO_METHODS.items()
    },
}


def settings(**changes: Any) -> GatewaySettings:
    """Settings under which tests need not wait, and limits that do not meet by chance."""
    values = test_settings().model_dump() | {
        "admin_client_id": ADMIN[0],
        "admin_client_secret": ADMIN[1],
        "tenant_rate_per_minute": 600_000,
        "tenant_burst": 10_000,
        "upstream_start_seconds": 5.0,
        "provision_seconds": 5.0,
    }
    return GatewaySettings(**(values | changes))


class Switch:
    """An upstream that can be taken away, and remembers what it was asked."""

    def __init__(self, upstream: AsgiApp) -> None:
        """Be there at first."""
        self.upstream = upstream
        self.away = False
        self.failure: Exception | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or fail like a service that is not there."""
        if self.away:
            raise self.failure or UpstreamUnavailable("switched off by a test")
        await self.upstream(scope, receive, send)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """A service that answers what came to it, and tries to tell the client internal things."""
    body, more = b"", True
    while more:
        message: Message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if scope["path"] in ("/openapi.json", "/operations.json"):
        answer: Any = ECHO_DOCUMENT
    else:
        answer = {
            "path": scope["path"],
            "headers": [[n.decode("latin-1"), v.decode("latin-1")] for n, v in scope["headers"]],
            "size": len(body),
        }
    headers = [
        (b"content-type", b"application/json"),
        (b"x-internal-secret", b"x"),
        (b"x-request-id", b"mine"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps(answer)})


@dataclass
class Caller:
    """Somebody who signs in."""

    tenant: dict[str, Any]
    client_id: str
    secret: str
    http: httpx.AsyncClient


@dataclass
class World:
    """A gateway at work before running services."""

    url: str
    gateway: Gateway
    first: FirstStart
    switches: dict[str, Switch]
    services: dict[str, ServiceRuntime]
    transport: bus_pg.PgTransport
    data_dir: Path
    _clients: list[httpx.AsyncClient] = field(default_factory=list)

    def anonymous(self, gateway: Gateway | None = None, **headers: str) -> httpx.AsyncClient:
        """A caller without credentials, from an address of its own."""
        transport = httpx.ASGITransport(app=(gateway or self.gateway).asgi, client=(next(ADDRESSES), 1234))
        client = httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers)
        self._clients.append(client)
        return client

    async def token(
        self, client_id: str = ADMIN[0], secret: str = ADMIN[1], gateway: Gateway | None = None, **form: str
    ) -> str:
        """An access token."""
        answer = await self.anonymous(gateway).post(
            "/oauth/token", data={"grant_type": "client_credentials", **form}, auth=(client_id, secret)
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def operator(
        self, tenant_id: str | None = None, gateway: Gateway | None = None, **form: str
    ) -> httpx.AsyncClient:
        """An operator, for the provider or acting for a tenant."""
        headers = {"authorization": f"Bearer {await self.token(gateway=gateway, **form)}"}
        if tenant_id is not None:
            headers["backoffice-tenant"] = tenant_id
        return self.anonymous(gateway, **headers)

    async def given_tenant(self, **changes: Any) -> dict[str, Any]:
        """A client company registered through the API."""
        body = {
            "name": "Acme",
            "legal_name": "Acme Ltd",
            "country": "GB",
            "currency": "GBP",
            "time_zone": "Europe/London",
            "kind": "sandbox",
        }
        answer = await (await self.operator()).post("/v1/tenants", json=body | changes)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def given_client(self, tenant: dict[str, Any], *scopes: str) -> Caller:
        """A client of a tenant, signed in."""
        body = {"name": "ERP", "scopes": list(scopes)}
        made = await (await self.operator()).post(f"/v1/tenants/{tenant['id']}/clients", json=body)
        assert made.status_code == 201, made.text
        client_id, secret = made.json()["client_id"], made.json()["client_secret"]
        token = await self.token(client_id, secret)
        return Caller(tenant, client_id, secret, self.anonymous(authorization=f"Bearer {token}"))

    async def given_key(self, tenant: dict[str, Any], *scopes: str) -> dict[str, Any]:
        """An API key of a tenant."""
        body = {"name": "Shop", "scopes": list(scopes)}
        made = await (await self.operator()).post(f"/v1/tenants/{tenant['id']}/api-keys", json=body)
        assert made.status_code == 201, made.text
        found: dict[str, Any] = made.json()
        return found

    @asynccontextmanager
    async def another_gateway(self, **changes: Any) -> AsyncIterator[Gateway]:
        """A second gateway process over the same database."""
        gateway = build_gateway(
            self.switches,
            dsn=self.url,
            settings=settings(**({"app_pool_size": 3} | changes)),
            transport=self.transport,
            data_dir=self.data_dir,
        )
        await gateway.start()
        try:
            yield gateway
        finally:
            await gateway.stop()

    async def close(self) -> None:
        """Close the callers."""
        for client in self._clients:
            await client.aclose()


@asynccontextmanager
async def running_world(url: str, data_dir: Path) -> AsyncIterator[World]:
    """Start services and gateway over a migrated database."""
    transport = bus_pg.PgTransport(url, password=BUS_PASSWORD, poll_seconds=0.05)
    gateway: Gateway

    async def fetch_keys() -> Any:
        return await gateway.public_keys()

    async with AsyncExitStack() as stack:
        await transport.start()
        stack.push_async_callback(transport.close)
        services: dict[str, ServiceRuntime] = {}
        for service in SERVICES:
            running = ServiceRuntime(
                service,
                dsn=url,
                settings=test_settings(app_pool_size=5),
                transport=transport,
                verifier=internal_token.TokenVerifier(service.name, fetch_keys),
            )
            await running.start()
            stack.push_async_callback(running.stop)
            services[service.name] = running
        switches = {name: Switch(LocalUpstream(running.app)) for name, running in services.items()}
        switches["helpdesk"] = Switch(LocalUpstream(echo))
        gateway = build_gateway(
            switches, dsn=url, settings=settings(), transport=transport, data_dir=data_dir
        )
        first = await gateway.start()
        stack.push_async_callback(gateway.stop)
        world = World(url, gateway, first, switches, services, transport, data_dir)
        stack.push_async_callback(world.close)
        yield world
