"""The gateway alone in a process, before an HTTP upstream that takes the place of orders: for `gateway.py`."""

import os

import uvloop

from deploy.run.secrets import with_role_secret
from deploy.run.server import bind, served, stop_event
from deploy.run.settings import DeploySettings
from deploy.run.suite import database, migrate_all
from deploy.run.transport import transport_for
from gateway.app import build_gateway
from gateway.upstream.http import HttpUpstream
from shared.base import telemetry


async def main() -> None:
    """Serve until told to stop."""
    settings = with_role_secret(DeploySettings())
    telemetry.configure(settings)
    listener = bind(settings)
    async with database(settings) as url:
        await migrate_all(url, settings)
        transport = transport_for(settings, url, name="gateway", among_others=False)
        upstreams = {"orders": HttpUpstream(os.environ["BENCH_UPSTREAM"])}
        gateway = build_gateway(
            upstreams, dsn=url, settings=settings, transport=transport, data_dir=settings.data_dir
        )
        await gateway.start()
        stopping = stop_event()
        async with served(gateway.asgi, listener, settings, leave=gateway.leave):
            await stopping.wait()
        await gateway.stop()
        await transport.close()


uvloop.run(main())
