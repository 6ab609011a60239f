"""The whole suite is killed at any moment under load, and nothing needs a hand afterwards."""

import asyncio
import contextlib
import json
import os
import random
import signal
from pathlib import Path

import pytest

from benchmarks.client import BadAnswer, Connection
from benchmarks.orders import wish
from benchmarks.server import Server, Shop, open_shop, start, stop
from shared.embedded_host import locate

ROUNDS = 3


async def _trade(server: Server, shop: Shop, accepted: dict[str, dict], numbers) -> None:
    """Order and ship until the suite dies; remember each order that was accepted."""
    api = server.connect(shop.token)
    with contextlib.suppress(OSError, asyncio.IncompleteReadError, BadAnswer, ValueError):
        for number in numbers:
            order = await api.call("POST", "/v1/orders", wish(shop, number), idempotency_key=f"k-{number}")
            accepted[order["id"]] = order
            work = await api.call("GET", f"/v1/fulfilments?order_id={order['id']}")
            await api.call("POST", f"/v1/fulfilments/{work['items'][0]['id']}/ship", {})
    api.close()


def _kill_everything(server: Server) -> None:
    """kill -9 of the Python process and of its PostgreSQL."""
    pid_file = locate((server.data_dir / "postgres").resolve()).cluster / "postmaster.pid"
    postmaster = int(pid_file.read_text().split()[0])
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    os.kill(postmaster, signal.SIGKILL)


async def _ship_the_rest(api: Connection, accepted: dict[str, dict]) -> None:
    for order_id in accepted:
        for fulfilment in (await api.call("GET", f"/v1/fulfilments?order_id={order_id}"))["items"]:
            if fulfilment["state"] == "open":
                await api.call("POST", f"/v1/fulfilments/{fulfilment['id']}/ship", {})


async def _all(api: Connection, path: str) -> list[dict]:
    items: list[dict] = []
    cursor = ""
    while True:
        page = await api.call("GET", f"{path}limit=200{cursor}")
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = f"&cursor={page['next']}"


@pytest.mark.timeout(240)
async def test_after_kill_nine_each_accepted_order_has_one_invoice_with_its_totals(tmp_path: Path):
    server = await start(tmp_path)
    shop = await open_shop(server)
    accepted: dict[str, dict] = {}
    numbers = iter(range(100_000))
    try:
        for round_ in range(ROUNDS):
            traders = [asyncio.create_task(_trade(server, shop, accepted, numbers)) for _ in range(6)]
            await asyncio.sleep(random.Random(round_).uniform(0.3, 1.5))
            _kill_everything(server)
            await asyncio.gather(*traders)
            server = await start(tmp_path)
        await _assert_consistent(server, shop, accepted)
    finally:
        if server.process.poll() is None:
            stop(server)


async def _assert_consistent(server: Server, shop: Shop, accepted: dict[str, dict]) -> None:
    api = server.connect(shop.token)
    await _ship_the_rest(api, accepted)
    orders = {o["id"]: o for o in await _all(api, "/v1/orders?")}
    assert accepted.keys() <= orders.keys(), "an accepted order is lost"
    await _ship_the_rest(api, orders)

    async def invoiced() -> list[dict]:
        return await _all(api, "/v1/invoices?")

    for _ in range(200):
        invoices = await invoiced()
        if len(invoices) >= len(orders):
            break
        await asyncio.sleep(0.1)
    by_order = {i["source_refs"]["order_id"]: i for i in invoices}
    assert len(invoices) == len(by_order) == len(orders)
    for order_id, order in orders.items():
        assert by_order[order_id]["totals"] == order["totals"]
    numbers = sorted(int(i["number"].rsplit("-", 1)[1]) for i in invoices)
    assert numbers == list(range(1, len(invoices) + 1))
    audit = await api.call("GET", "/v1/stock-audit")
    assert audit["differences"] == []
    tie_out = await api.call("GET", "/v1/reports/tie-out")
    assert tie_out["differences"] == []
    balance = await api.call("GET", "/v1/reports/trial-balance")
    assert balance["total_debit"] == balance["total_credit"]
    assert json.dumps(balance["total_debit"]) != json.dumps({"amount": "0.00", "currency": "GBP"})
    api.close()
