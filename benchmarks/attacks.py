"""What a bystander feels while another tenant sends what it likes: both shapes, each attack in turn.

The attacker is a process of its own (`attackers.py`), of low priority, so that what is measured is what it does to the
suite and not that it needs a core. The bystander takes orders and reads lists, one request after the other.
"""

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

import psutil

from benchmarks import server
from benchmarks.attackers import ATTACKS
from benchmarks.client import BadAnswer, Connection
from benchmarks.report import Section, table
from benchmarks.server import Front, Shop
from shared.embedded import server as embedded
from tests.attacks.targets import SHAPES, attacked
from tests.kit.deployment import OPERATOR, Deployment

SECONDS = 6.0
WANTED_RATIO, WANTED_MS, WANTED_MB = 3.0, 50.0, 512.0


@dataclass
class Felt:
    """What the bystander felt for some seconds."""

    p99: float
    answers: int
    refused: int
    most_mb: float


async def attacks() -> Section:
    """Each shape, quiet and under each attack."""
    folder = Path(tempfile.mkdtemp(prefix="bo-bench-attacks-"))
    rows: list[list[str]] = []
    try:
        pg = embedded.start(folder / "postgres")
        for shape in SHAPES:
            rows += await _shape(pg.url, shape)
    finally:
        embedded.destroy(folder / "postgres")
        shutil.rmtree(folder, ignore_errors=True)
    head = ["attack", "bystander's p99 ms", "times quiet", "its answers", "refused", "largest process MB"]
    return Section(
        "Bystanders under attack",
        table(head, rows)
        + f"\n\n{SECONDS:.0f} seconds each. Wanted: p99 at most {WANTED_RATIO:.0f} times quiet or "
        f"{WANTED_MS:.0f} ms, none refused, every process below {WANTED_MB:.0f} MB.",
    )


async def _shape(admin_url: str, shape: str) -> list[list[str]]:
    async with attacked(admin_url, shape) as target:
        front = Front(target.port, OPERATOR)
        bystander, attacker = (
            await server.open_shop(front, "Bystander"),
            await server.open_shop(front, "Attacker"),
        )
        await _largest_document(front, attacker)
        await _felt(front, bystander, target.suite, 2.0)  # warm
        quiet = await _felt(front, bystander, target.suite, SECONDS)
        rows = [_row(f"{shape}: quiet", quiet, quiet)]
        for name in ATTACKS:
            async with _attack(name, front, attacker):
                felt = await _felt(front, bystander, target.suite, SECONDS)
            rows.append(_row(f"{shape}: {name}", felt, quiet))
            print(" | ".join(rows[-1]), flush=True)
            await _recovered(front, bystander)
        return rows


def _row(name: str, felt: Felt, quiet: Felt) -> list[str]:
    bad = felt.p99 > max(WANTED_MS, WANTED_RATIO * quiet.p99) or felt.refused or felt.most_mb > WANTED_MB
    return [
        f"**{name}**" if bad else name, f"{felt.p99:.1f}", f"{felt.p99 / quiet.p99:.1f}", str(felt.answers),
        str(felt.refused), f"{felt.most_mb:.0f}",
    ]  # fmt: skip


@asynccontextmanager
async def _attack(name: str, front: Front, by: Shop) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        "nice", "-n", "10", sys.executable, "-m", "benchmarks.attackers", name, str(front.port), by.token
    )
    try:
        await asyncio.sleep(1.5)  # until it is in full swing
        yield
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _largest_document(front: Front, shop: Shop) -> None:
    """An invoice of 200 lines for the attacker to have rendered."""
    api = front.connect(shop.token)
    money = {"amount": "9.99", "currency": "GBP"}
    line = {
        "description": "A line of a long document",
        "quantity": 1,
        "unit_price": money,
        "tax_code": "standard",
    }
    while True:
        try:
            draft = await api.call(
                "POST", "/v1/invoices", {"customer_id": shop.customers[0], "lines": [line] * 200}
            )
            break
        except BadAnswer:  # the customer has not reached billing yet
            await asyncio.sleep(0.05)
    await api.call("POST", f"/v1/invoices/{draft['id']}/finalize")
    api.close()


async def _felt(front: Front, shop: Shop, suite: Deployment, seconds: float) -> Felt:
    """Take orders and read for some seconds."""
    api = front.connect(shop.token)
    times: list[float] = []
    refused, most, turn = 0, 0.0, 0
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        status = await _asked(api, shop, turn)
        times.append((time.perf_counter() - began) * 1000)
        refused += status >= 400
        turn += 1
        if turn % 50 == 1:
            most = max(most, _largest_mb(suite))
    most = max(most, _largest_mb(suite))
    api.close()
    return Felt(quantiles(times, n=100)[98] if len(times) > 1 else max(times), len(times), refused, most)


async def _asked(api: Connection, shop: Shop, turn: int) -> int:
    """One order for three reads; the status, 599 for a connection that was cut."""
    try:
        if turn % 4 == 0:
            lines = [{"sku": shop.skus[turn % len(shop.skus)], "quantity": 1}]
            body = {
                "customer_id": shop.customers[turn % len(shop.customers)],
                "lines": lines,
                "confirm": True,
            }
            return (await api.raw("POST", "/v1/orders", body))[0]
        path = ("/v1/orders?limit=10", "/v1/invoices?limit=10", "/v1/customers?limit=10")[turn % 4 - 1]
        return (await api.raw("GET", path))[0]
    except (OSError, asyncio.IncompleteReadError):
        api.close()
        return 599


def _largest_mb(suite: Deployment) -> float:
    found = [0.0]
    for process in suite.processes.values():
        if process.pid is None:
            continue
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(process.pid)
            found += [each.memory_info().rss / 2**20 for each in (parent, *parent.children(recursive=True))]
    return max(found)


async def _recovered(front: Front, shop: Shop) -> None:
    """Until the bystander is served as in quiet times, so that one attack is not measured in the other."""
    api = front.connect(shop.token)
    quick = 0
    end = time.perf_counter() + 60
    while quick < 20 and time.perf_counter() < end:
        began = time.perf_counter()
        status = await _asked(api, shop, 1)
        quick = quick + 1 if status == 200 and time.perf_counter() - began < 0.03 else 0
    api.close()
