"""A stop while requests are held back: they are answered at once, and the server ends without waiting for them."""

import asyncio
import socket
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from deploy.run.server import served
from deploy.run.settings import DeploySettings
from deploy.run.suite import EmbeddedSuite
from services.billing.service import SERVICE as BILLING
from shared.context.ctx import TenantFacts
from shared.service.runtime import ServiceRuntime
from shared.values.ids import new_id
from tests.kit.suite import ROLE_SECRET, Suite, eventually


async def test_who_waits_does_not_hold_up_a_stop(
    suite: Suite, tenant: TenantFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("deploy.run.server._settle_memory", lambda: None)  # that is for a process of its own
    first = suite["billing"]
    settings = DeploySettings(role_secret=ROLE_SECRET, data_dir=tmp_path, log_level="ERROR")
    running = ServiceRuntime(
        BILLING, dsn=suite.url, settings=first.settings, transport=suite.transport,
        verifier=first.app.state.edge.verifier,
    )  # fmt: skip
    await running.start(work=False)
    whole = EmbeddedSuite(settings, suite.url, {"billing": running}, SimpleNamespace(leave=list), None)  # type: ignore[arg-type]
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    loop = asyncio.get_running_loop()
    headers = {"x-internal-token": suite.token("billing", tenant), "prefer": "wait=10"}

    async def waiting() -> bool:
        return len(running.waiting) == 1

    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=20) as http:
        async with served(running.app, listener, settings, leave=whole.leave):
            waits = asyncio.create_task(http.get("/v1/invoices", params={"order_id": str(new_id())}))
            await eventually(waiting)
            told_to_stop = loop.time()
        stopped = loop.time()
        answer = await waits
    await running.stop()

    assert (answer.status_code, answer.json()["items"]) == (200, [])
    assert "preference-applied" not in answer.headers
    assert stopped - told_to_stop < 3
