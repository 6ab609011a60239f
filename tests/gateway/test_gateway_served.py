"""The gateway between real sockets: our protocol in front, services behind HTTP."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import uvicorn

from gateway.app import build_gateway
from gateway.upstream.http import HttpUpstream
from shared.httpserver.admission import Admission
from shared.httpserver.connection import HttpConnection
from shared.httpserver.limits import ServerLimits
from shared.httpserver.write_batch import WriteBatch
from tests.gateway.world import ADMIN, Caller, World, echo, settings
from tests.kit.suite import eventually


async def _started(server: uvicorn.Server) -> bool:
    return server.started


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """An app behind a real server on a free port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    http = partial(
        HttpConnection, batch=WriteBatch(asyncio.get_running_loop()), admission=Admission(ServerLimits())
    )
    config = uvicorn.Config(
        app,
        http=http,
        log_level="critical",
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = contextlib.nullcontext  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await eventually(partial(_started, server))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


async def test_tenants_tokens_and_work_over_http(world: World, acme: Caller):
    orders, billing = world.services["orders"].app, world.services["billing"].app
    async with served(orders) as orders_url, served(billing) as billing_url, served(echo) as echo_url:
        upstreams = {
            "orders": HttpUpstream(orders_url),
            "billing": HttpUpstream(billing_url),
            "helpdesk": HttpUpstream(echo_url),
        }
        gateway = build_gateway(
            upstreams,
            dsn=world.url,
            settings=settings(app_pool_size=3),
            transport=world.transport,
            data_dir=world.data_dir,
        )
        await gateway.start()
        try:
            async with served(gateway.asgi) as url, httpx.AsyncClient(base_url=url) as http:
                form = {"grant_type": "client_credentials"}
                token = (await http.post("/oauth/token", data=form, auth=ADMIN)).json()["access_token"]
                http.headers["authorization"] = f"Bearer {token}"
                body = {
                    "name": "Over HTTP",
                    "legal_name": "Over HTTP Ltd",
                    "country": "GB",
                    "currency": "GBP",
                    "time_zone": "Europe/London",
                }
                made = await http.post("/v1/tenants", json=body)
                assert (made.status_code, made.json()["state"]) == (201, "active"), made.text
                http.headers["backoffice-tenant"] = made.json()["id"]
                customer = await http.post("/v1/customers", json={"name": "Jane"})
                assert customer.status_code == 201, customer.text
                assert (await http.get(customer.headers["location"])).json()["name"] == "Jane"
                assert (await http.get("/readyz")).json()["complaints"] == []
                large = await http.post("/v1/echoes", content=b"a" * (1 << 20))
                assert large.json()["size"] == 1 << 20
                over = await http.post("/v1/echoes", content=b"a" * ((1 << 20) + 1))
                assert (over.status_code, over.json()["code"]) == (413, "body_too_large")
                both = await asyncio.gather(*(http.get("/v1/customers") for _ in range(20)))
                assert {a.status_code for a in both} == {200}
                sent = dict(
                    (await http.get("/v1/echoes", headers={"x-internal-token": "forged"})).json()["headers"]
                )
                assert sent["x-internal-token"] != "forged"
        finally:
            await gateway.stop()
            for upstream in upstreams.values():
                await upstream.aclose(1.0)


async def test_a_service_whose_process_is_gone_is_a_problem_document(world: World, acme: Caller):
    async with served(echo) as echo_url:
        upstream = HttpUpstream(echo_url)
        kept, world.switches["helpdesk"].upstream = world.switches["helpdesk"].upstream, upstream
        assert (await acme.http.get("/v1/echoes")).status_code == 200
    try:
        answer = await acme.http.get("/v1/echoes")
    finally:
        world.switches["helpdesk"].upstream = kept
        await upstream.aclose(1.0)

    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
