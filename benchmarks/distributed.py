"""Order to cash over RabbitMQ with a process per service and role, beside the one-process form of the same run.

Event lag is what the workers themselves count (`backoffice_event_lag_seconds`: from the fact to the commit of its
effect), so its percentiles are upper bounds of histogram buckets.
"""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from prometheus_client.parser import text_string_to_metric_families

from benchmarks import server
from benchmarks.client import Measured
from benchmarks.orders import order_to_cash
from benchmarks.report import Section, spread, table
from benchmarks.server import Front, Shop
from shared.embedded import server as embedded
from tests.kit import rabbit
from tests.kit.deployment import OPERATOR, Deployment, deployment, migrated

ROUNDS = 3
ORDERS = 150
CONCURRENCY = 8
SECRET = "the role secret of a benchmark"
POOLS = {"BACKOFFICE_APP_POOL_SIZE": "6", "BACKOFFICE_WORKER_POOL_SIZE": "3"}
LAG = "backoffice_event_lag_seconds"


@dataclass(frozen=True)
class Deployed:
    """A suite of processes under load."""

    suite: Deployment
    front: Front
    shop: Shop


@asynccontextmanager
async def deployed(folder: Path, broker: rabbit.Broker, *, replicas: int) -> AsyncIterator[Deployed]:
    """A fresh database, a fresh part of the broker, and the processes on them."""
    pg = embedded.start(folder / "postgres")
    name = f"replicas_{replicas}"
    sql = await asyncpg.connect(pg.url)
    await sql.execute(f"create database {name}")
    await sql.close()
    database_url, amqp_url = pg.url.replace("/postgres?", f"/{name}?", 1), await broker.new_vhost()
    settings = {
        "BACKOFFICE_DATABASE_URL": database_url,
        "BACKOFFICE_AMQP_URL": amqp_url,
        "BACKOFFICE_ROLE_SECRET": SECRET,
    }
    await asyncio.to_thread(migrated, settings)
    more: dict[str, Any] = server.UNLIMITED | POOLS
    async with deployment(
        database_url, role_secret=SECRET, amqp_url=amqp_url, replicas=replicas, **more
    ) as suite:
        front = Front(int(suite["gateway-1"].environment["BACKOFFICE_PORT"]), OPERATOR)
        yield Deployed(suite, front, await server.open_shop(front))


async def distributed() -> Section:
    """The whole part: embedded, one process each, two each."""
    kinds = rabbit.kinds()
    if not kinds:
        raise rabbit.NoBroker(rabbit.MISSING)
    folder = Path(tempfile.mkdtemp(prefix="bo-bench-distributed-"))
    try:
        with rabbit.running(kinds[0]) as broker:
            text = await _measured(folder, broker)
    finally:
        embedded.destroy(folder / "postgres")
        shutil.rmtree(folder, ignore_errors=True)
    return Section("Order to cash over RabbitMQ", text)


async def _measured(folder: Path, broker: rabbit.Broker) -> str:
    one_process: list[Measured] = []
    single: list[Measured] = []
    async with server.running() as running, deployed(folder, broker, replicas=1) as one:
        shop = await server.open_shop(running)
        await _cash(running, shop, 40)
        await _cash(one.front, one.shop, 40)
        for _ in range(ROUNDS):  # turn by turn, so that both meet the machine in the same moods
            one_process.append(await _cash(running, shop, ORDERS))
            single.append(await _cash(one.front, one.shop, ORDERS))
        before = await _lags(one.suite)
        await _cash(one.front, one.shop, ORDERS)
        full = await _lags(one.suite) - before
        pace = sorted(m.rate for m in single)[ROUNDS // 2] / 2
        before = await _lags(one.suite)
        await _cash(one.front, one.shop, ORDERS, per_second=pace)
        half = await _lags(one.suite) - before
    async with deployed(folder, broker, replicas=2) as two:
        await _cash(two.front, two.shop, 40)
        double = [await _cash(two.front, two.shop, ORDERS) for _ in range(ROUNDS)]
    ratios = [s.rate / e.rate for s, e in zip(single, one_process, strict=True)]
    rows = [
        ["one process, events through a table", *_columns(one_process)],
        ["a process per service and role, RabbitMQ", *_columns(single)],
        ["two of each", *_columns(double)],
    ]
    text = table([f"order to cash, concurrency {CONCURRENCY}", "per second", "p50 ms", "p99 ms"], rows)
    at_half = f"p99 within {_percentile(half, 0.99)}, median within {_percentile(half, 0.5)}"
    at_full = f"p99 within {_percentile(full, 0.99)}, median within {_percentile(full, 0.5)}"
    return text + (
        f"\n\nOver RabbitMQ against one process: {spread(ratios, 2)} (wanted: 0.6). Event lag at half load "
        f"({pace:.0f}/s): {at_half} (wanted: p99 under 0.5 s); at full load: {at_full}. All on one machine: more "
        "processes share the same cores."
    )


def _columns(runs: list[Measured]) -> list[str]:
    return [
        spread([m.rate for m in runs], 1),
        spread([m.p50 for m in runs], 0),
        spread([m.p99 for m in runs], 0),
    ]


async def _cash(front: Front, shop: Shop, total: int, *, per_second: float | None = None) -> Measured:
    concurrency = CONCURRENCY if per_second is None else 2 * CONCURRENCY
    return (await order_to_cash(front, shop, total=total, concurrency=concurrency, per_second=per_second))[0]


async def _lags(suite: Deployment) -> Counter[float]:
    """How many events of all workers were done within how many seconds, by bucket."""
    found: Counter[float] = Counter()
    async with httpx.AsyncClient(trust_env=False) as http:
        for process in (p for name, p in suite.processes.items() if "-worker-" in name):
            text = (await http.get(f"{process.url}/metrics")).text
            for family in text_string_to_metric_families(text):
                for sample in family.samples if family.name == LAG else ():
                    if sample.name == f"{LAG}_bucket":
                        found[float(sample.labels["le"])] += int(sample.value)
    return found


def _percentile(within: Counter[float], share: float) -> str:
    """The smallest bucket that holds that share of the events."""
    total = within[float("inf")]
    bound = next((le for le in sorted(within) if total and within[le] >= share * total), float("inf"))
    return f"{bound:g} s"
