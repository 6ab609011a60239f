"""The suite over a database that is migrated already, with as many of its workers as a moment needs."""

from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from joserfc.jwk import KeySet

from deploy.run.settings import DeploySettings
from deploy.run.transport import transport_for
from gateway.app import Gateway, build_gateway
from gateway.first_start import FirstStart
from gateway.upstream.local import LocalUpstream
from services.all import SERVICES
from shared.http.internal_token import TokenVerifier
from shared.service.runtime import ServiceRuntime
from tests.kit.suite import ROLE_SECRET, SEALING_KEYS

EVERYBODY = tuple(service.name for service in SERVICES)
HOURS_OF_A_CENTURY = 100 * 366 * 24


def settings(data_dir: Path, **changes: Any) -> DeploySettings:
    """Settings under which nobody waits, and keys of a dump are not yet swept away, however old it is.

    The first operator is the one of the database: his secret is in the data folder, or only the dump's facts know it.
    """
    values: dict[str, Any] = {
        "data_dir": data_dir,
        "role_secret": ROLE_SECRET,
        "sealing_keys": SEALING_KEYS,
        "poll_seconds": 0.05,
        "linger_seconds": 0.0,
        "consumer_backoff_seconds": 0.05,
        "idempotency_hours": HOURS_OF_A_CENTURY,
        "app_pool_size": 5,
        "log_level": "CRITICAL",
    }
    return DeploySettings(**(values | changes)).with_blobs_url()


def files_folder(data_dir: Path) -> Path:
    """Where the suite keeps files under these settings."""
    return data_dir / "blobs"


@dataclass
class Door:
    """The gateway of a running suite, and callers at it."""

    gateway: Gateway
    first: FirstStart
    _callers: list[httpx.AsyncClient] = field(default_factory=list)

    def caller(self, bearer: str = "") -> httpx.AsyncClient:
        """Somebody with an access token or an API key, or with nothing."""
        headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
        transport = httpx.ASGITransport(app=self.gateway.asgi)
        found = httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers)
        self._callers.append(found)
        return found

    async def signed_in(self, client_id: str, client_secret: str) -> httpx.AsyncClient:
        """A client that has fetched an access token for its secret."""
        form = {"grant_type": "client_credentials"}
        answer = await self.caller().post("/oauth/token", data=form, auth=(client_id, client_secret))
        assert answer.status_code == 200, answer.text
        return self.caller(answer.json()["access_token"])

    async def close(self) -> None:
        """Close the callers."""
        for caller in self._callers:
            await caller.aclose()


@asynccontextmanager
async def suite_over(
    url: str, data_dir: Path, *, working: Collection[str] = EVERYBODY, **changes: Any
) -> AsyncIterator[Door]:
    """Gateway and services; of those not `working` only the API runs, like `serve … --role api` without a worker."""
    wanted = settings(data_dir, **changes)
    gateway: Gateway

    async def keys() -> KeySet:
        return await gateway.public_keys()

    async with AsyncExitStack() as stack:
        transport = transport_for(wanted, url, name="upgrade", among_others=False)
        await transport.start()
        stack.push_async_callback(transport.close)
        upstreams = {}
        for service in SERVICES:
            verifier = TokenVerifier(service.name, keys)
            running = ServiceRuntime(
                service, dsn=url, settings=wanted, transport=transport, verifier=verifier
            )
            stack.push_async_callback(running.stop)
            await running.start(work=service.name in working)
            upstreams[service.name] = LocalUpstream(running.app)
        gateway = build_gateway(upstreams, dsn=url, settings=wanted, transport=transport, data_dir=data_dir)
        stack.push_async_callback(gateway.stop)
        door = Door(gateway, await gateway.start())
        stack.push_async_callback(door.close)
        yield door
