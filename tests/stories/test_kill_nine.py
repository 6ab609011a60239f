"""The whole suite is killed at any moment under load, and nothing needs a hand afterwards."""

import asyncio
import itertools
import os
import random
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks.client import BadAnswer, Connection
from benchmarks.orders import wish
from benchmarks.server import Server, Shop, open_shop, start, stop
from shared.embedded.host import locate
from tests.kit.suite import eventually

ROUNDS = 3


@dataclass
class Book:
    """What the traders know: orders that were accepted, and numbers whose answer never came."""

    accepted: dict[str, dict[str, Any]] = field(default_factory=dict)
    unanswered: set[int] = field(default_factory=set)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    async def order(self, api: Connection, shop: Shop, number: int) -> dict[str, Any]:
        """Place an order under a key of its own; asked again after a crash, it is the same order."""
        self.unanswered.add(number)
        order: dict[str, Any] = await api.call(
            "POST", "/v1/orders", wish(shop, number), idempotency_key=f"k-{number}"
        )
        self.unanswered.discard(number)
        self.accepted[order["id"]] = order
        return order

    async def trade(self, server: Server, shop: Shop) -> None:
        """Order and ship until the suite dies."""
        api = server.connect(shop.token)
        try:
            for number in self.numbers:
                order = await self.order(api, shop, number)
                work = await api.call("GET", f"/v1/fulfilments?order_id={order['id']}")
                await api.call("POST", f"/v1/fulfilments/{work['items'][0]['id']}/ship", {})
        except (OSError, asyncio.IncompleteReadError):
            pass  # the suite is dead
        except BadAnswer as error:
            if ": 5" not in str(error):
                raise  # a refusal is no answer of a dying suite
        finally:
            api.close()

    async def holds(self, wanted: int) -> bool:
        """Whether there is load: that many orders were accepted so far."""
        return len(self.accepted) >= wanted

    async def ask_again(self, server: Server, shop: Shop) -> None:
        """Repeat what was never answered, under the same keys."""
        api = server.connect(shop.token)
        for number in sorted(self.unanswered):
            await self.order(api, shop, number)
        api.close()


def _kill_everything(server: Server) -> None:
    """kill -9 of the Python process and of its PostgreSQL."""
    pid_file = locate((server.data_dir / "postgres").resolve()).cluster / "postmaster.pid"
    postmaster = int(pid_file.read_text().split()[0])
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    os.kill(postmaster, signal.SIGKILL)


async def _ship_the_rest(api: Connection, accepted: dict[str, dict[str, Any]]) -> None:
    for order_id in accepted:
        for fulfilment in (await api.call("GET", f"/v1/fulfilments?order_id={order_id}"))["items"]:
            if fulfilment["state"] == "open":
                await api.call("POST", f"/v1/fulfilments/{fulfilment['id']}/ship", {})


async def _all(api: Connection, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = await api.call("GET", f"{path}limit=200{cursor}")
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = f"&cursor={page['next']}"


@pytest.mark.timeout(240)
async def test_after_kill_nine_each_accepted_order_has_one_invoice_with_its_totals(tmp_path: Path):
    server, book = await start(tmp_path), Book()
    try:
        shop = await open_shop(server)
        for round_ in range(ROUNDS):
            wanted = len(book.accepted) + 11
            traders = [asyncio.create_task(book.trade(server, shop)) for _ in range(6)]
            await eventually(partial(book.holds, wanted), within=60)
            await asyncio.sleep(random.Random(round_).uniform(0.3, 1.5))
            _kill_everything(server)
            await asyncio.gather(*traders)
            server = await start(tmp_path)
            await book.ask_again(server, shop)
        await _assert_consistent(server, shop, book.accepted)
    finally:
        if server.process.poll() is None:
            stop(server)


async def _assert_consistent(server: Server, shop: Shop, accepted: dict[str, dict[str, Any]]) -> None:
    api = server.connect(shop.token)
    orders = {o["id"]: o for o in await _all(api, "/v1/orders?")}
    assert accepted.keys() == orders.keys(), "an accepted order is lost, or one was taken twice"
    await _ship_the_rest(api, orders)

    async def all_invoices() -> list[dict[str, Any]] | None:
        found = await _all(api, "/v1/invoices?")
        return found if len(found) >= len(orders) else None

    invoices = await eventually(all_invoices, within=60, every=0.1)
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
    assert balance["total_debit"]["amount"] != "0.00"
    api.close()
