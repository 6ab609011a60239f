"""The distributed form: a service, or the gateway, as a process of its own (docs/adr/0013).

Each starts patiently and stops in order: readiness off, no new connections, requests in hand finished, nothing more
consumed, handlers finished, the outbox published, connections closed, exit 0.
"""

import asyncio
from contextlib import AsyncExitStack
from enum import StrEnum

from deploy.cli.console import console
from deploy.run.boot import patiently, schema_ready, unless
from deploy.run.gateway_keys import keys_from
from deploy.run.server import bind, served, until_told
from deploy.run.settings import DeploySettings
from deploy.run.transport import transport_for
from gateway.app import build_gateway
from gateway.service import SERVICE as GATEWAY
from gateway.upstream.table import upstream_at
from shared.base import telemetry
from shared.base.health import probes_only
from shared.bus.transport import Transport
from shared.http.internal_token import TokenVerifier
from shared.service.manifest import Service
from shared.service.runtime import ServiceRuntime


class Role(StrEnum):
    """What a process of a service does."""

    API = "api"
    WORKER = "worker"
    BOTH = "both"

    @property
    def answers(self) -> bool:
        """Whether it answers requests."""
        return self is not Role.WORKER

    @property
    def works(self) -> bool:
        """Whether it publishes, consumes, and does scheduled work and jobs."""
        return self is not Role.API


async def serve_service(
    service: Service, role: Role, settings: DeploySettings, stopping: asyncio.Event
) -> bool:
    """Run one service in this process until told to stop; False when its server ended by itself."""
    listener = bind(settings)
    async with AsyncExitStack() as stack:
        stack.callback(telemetry.flush_spans)
        await unless(stopping, _await_schema(service, settings))
        if role.works:
            transport = await unless(stopping, _connected(settings, f"{service.name}-{role}", stack))
        else:  # requests are taken without the broker: what they leave is in the outbox
            transport = transport_for(
                settings, settings.database_url, name=f"{service.name}-{role}", among_others=True
            )
        verifier = TokenVerifier(service.name, keys_from(settings.gateway_url))
        running = ServiceRuntime(
            service, dsn=settings.database_url, settings=settings, transport=transport, verifier=verifier
        )
        stack.push_async_callback(running.stop)
        await running.start(work=role.works, among_others=True)
        app = running.app if role.answers else probes_only(running)
        async with served(app, listener, settings, leave=running.leave, behind_gateway=True) as server:
            _tell_ready(f"{service.name} ({role})", settings)
            return await until_told(server, stopping)


async def _connected(settings: DeploySettings, name: str, stack: AsyncExitStack) -> Transport:
    transport = transport_for(settings, settings.database_url, name=name, among_others=True)
    stack.push_async_callback(transport.close)
    await patiently("the transport of events", transport.start, seconds=settings.boot_seconds)
    return transport


async def _await_schema(service: Service, settings: DeploySettings) -> None:
    await patiently(
        f"the database of {service.name}",
        lambda: schema_ready(service, settings),
        seconds=settings.boot_seconds,
    )


async def serve_gateway(settings: DeploySettings, stopping: asyncio.Event) -> bool:
    """Run the gateway in this process until told to stop; False when its server ended by itself."""
    listener = bind(settings)
    async with AsyncExitStack() as stack:
        stack.callback(telemetry.flush_spans)
        await unless(stopping, _await_schema(GATEWAY, settings))
        transport = await unless(stopping, _connected(settings, GATEWAY.name, stack))
        upstreams = {name: upstream_at(url, settings) for name, url in settings.upstream_urls().items()}
        for upstream in upstreams.values():
            stack.push_async_callback(upstream.aclose)
        gateway = build_gateway(
            upstreams,
            dsn=settings.database_url,
            settings=settings,
            transport=transport,
            data_dir=settings.data_dir,
        )
        stack.push_async_callback(gateway.stop)
        first = await gateway.prepare()
        # Served before the services are known: they need our keys before they can answer anything we ask.
        async with served(gateway.asgi, listener, settings, leave=gateway.leave) as server:
            await unless(stopping, gateway.open(first))
            _tell_ready(GATEWAY.name, settings)
            return await until_told(server, stopping)


def _tell_ready(who: str, settings: DeploySettings) -> None:
    console.print(f"{who} is ready on port {settings.port}", highlight=False, soft_wrap=True)
