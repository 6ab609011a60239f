"""Order to cash in Tryton over its JSON-RPC, and in ours, turn by turn in one run.

Tryton's is create, quote, confirm (which makes shipment and draft invoice), read, post the invoice: five calls, without
shipping and payment, and once more with shipping; ours is order, shipment, invoice and payment. Its packages are
installed by name into a virtual environment that is thrown away; uWSGI with two processes served it best of the
set-ups that were tried.
"""

import asyncio
import base64
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import venv
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks import server
from benchmarks.client import Connection, Measured, load
from benchmarks.orders import create_orders, order_to_cash
from benchmarks.report import Section, spread, table
from benchmarks.server import Server, Shop
from shared.embedded import server as embedded

PACKAGES = ("trytond", "trytond-sale", "trytond-stock", "trytond-account-invoice", "proteus", "psycopg[binary]",
            "psycopg_pool", "uwsgi")  # fmt: skip
DATABASE = "tryton"
ROUNDS = 3
FEW, MANY = 8, 32  # clients at once; with more than a few Tryton's transactions mostly repeat each other's
TRYTON_ORDERS, OUR_ORDERS = 16, 200
BUSY_TRIES = 1000  # Tryton answers 503 when its own retries of a serialization failure ran out
CREATED = f"Tryton: create a draft, {FEW} clients"
OURS_CREATED = f"ours: create and confirm, {FEW} clients"
THEIRS = "Tryton: order to posted invoice, {} clients"
SHIPPED = f"Tryton: order to posted invoice and shipment, {FEW} clients"
OURS = "ours: order to shipment, invoice and payment, {} clients"


@dataclass
class Tryton:
    """A running Tryton and the ids of its company's records."""

    port: int
    ids: dict[str, Any]
    session: str = ""

    def connect(self) -> Connection:
        """A connection of a signed-in user."""
        return Connection(
            "127.0.0.1", self.port, {"authorization": f"Session {self.session}"} if self.session else {}
        )

    async def call(self, api: Connection, method: str, *parameters: object) -> Any:
        """One call of its JSON-RPC, repeated as a client has to while it answers 503."""
        body = {"id": 1, "method": method, "params": list(parameters)}
        for _ in range(BUSY_TRIES):
            status, content = await api.raw("POST", f"/{DATABASE}/rpc/", body)
            api.close()  # uWSGI's own HTTP ends each connection after its answer
            if status != 503:
                break
            await asyncio.sleep(random.uniform(0.02, 0.2))
        answer = json.loads(content)
        if status != 200 or "error" in answer:
            raise RuntimeError(f"{method}: {status} {content[:300]!r}")
        return answer["result"]

    async def sign_in(self) -> None:
        """Open the session that every connection uses."""
        api = self.connect()
        user, key = (await self.call(api, "common.db.login", "admin", {"password": "admin-bench-pw"}))[:2]
        self.session = base64.b64encode(f"admin:{user}:{key}".encode()).decode()
        api.close()

    def sale(self) -> dict[str, Any]:
        """A sale of three lines."""
        customer, address = random.choice(self.ids["customers"])
        lines = [
            {"type": "line", "product": product, "quantity": float(random.randint(1, 5)), "unit": self.ids["unit"],
             "unit_price": {"__class__": "Decimal", "decimal": "10.0000"}, "taxes": [["add", [self.ids["tax"]]]]}
            for product in random.sample(self.ids["products"], 3)
        ]  # fmt: skip
        return {
            "company": self.ids["company"], "party": customer, "invoice_address": address,
            "shipment_address": address, "currency": self.ids["currency"], "payment_term": self.ids["payment_term"],
            "warehouse": self.ids["warehouse"], "invoice_method": "order", "shipment_method": "order",
            "lines": [["create", lines]],
        }  # fmt: skip

    async def create(self, api: Connection, _: int = 0) -> int:
        """A draft sale."""
        (sale,) = await self.call(api, "model.sale.sale.create", [self.sale()], self.context)
        return int(sale)

    async def order_to_cash(self, api: Connection, _: int) -> list[int]:
        """From nothing to a posted invoice; returns the shipments that were made, and not sent."""
        sale = await self.create(api)
        for step in ("quote", "confirm"):
            await self.call(api, f"model.sale.sale.{step}", [sale], self.context)
        fields = ["state", "shipments", "invoices"]
        (read,) = await self.call(api, "model.sale.sale.read", [sale], fields, self.context)
        if read["state"] != "processing" or len(read["invoices"]) != 1:
            raise RuntimeError(f"the sale went another way: {read}")
        await self.call(api, "model.account.invoice.post", read["invoices"], self.context)
        return list(read["shipments"])

    async def order_to_shipment(self, api: Connection, number: int) -> None:
        """From nothing to a posted invoice and goods that have left, which ours does, too; four calls more."""
        shipments = await self.order_to_cash(api, number)
        for step in ("assign_try", "pick", "pack", "do"):
            await self.call(api, f"model.stock.shipment.out.{step}", shipments, self.context)

    @property
    def context(self) -> dict[str, Any]:
        """What every call carries."""
        return {"company": self.ids["company"], "language": "en"}


@asynccontextmanager
async def running() -> AsyncIterator[Tryton]:
    """Install, set up and serve Tryton for the length of a block."""
    folder = _folder()
    process = None
    try:
        python = await asyncio.to_thread(_installed, folder / "venv")
        pg = embedded.start(folder / "postgres")
        socket = str(pg.socket_dir)
        await _create_database(pg.url)
        setup = Path(__file__).with_name("tryton_setup.py")
        done = await asyncio.to_thread(
            subprocess.run,
            [str(python), str(setup), socket, DATABASE, str(folder)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        tryton = Tryton(server.free_port(), json.loads(done.stdout.splitlines()[-1]))
        process = _serve(python, folder, tryton.port)
        await _answering(tryton)
        yield tryton
    finally:
        if process is not None:
            os.killpg(
                process.pid, signal.SIGKILL
            )  # nothing of it is kept, and told to end it may take minutes
            process.wait()
        embedded.destroy(folder / "postgres")
        shutil.rmtree(folder, ignore_errors=True)


def _folder() -> Path:
    """A folder that PostgreSQL's own account can pass through."""
    folder = Path(tempfile.mkdtemp(prefix="bo-bench-tryton-"))
    folder.chmod(0o711)
    return folder


def _installed(folder: Path) -> Path:
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    print(f"installing {', '.join(PACKAGES)}…", flush=True)
    subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True, stdout=sys.stderr)
    return python


async def _create_database(url: str) -> None:
    sql = await asyncpg.connect(url)
    await sql.execute(f"create database {DATABASE}")
    await sql.close()


def _serve(python: Path, folder: Path, port: int) -> subprocess.Popen[bytes]:
    command = [str(python.parent / "uwsgi"), "--http-socket", f"127.0.0.1:{port}", "--master", "--enable-threads",
               "--processes", "2", "--lazy-apps", "--listen", "100", "--disable-logging", "--die-on-term",
               "--module", "trytond.application:app"]  # fmt: skip
    environment = os.environ | {
        "TRYTOND_CONFIG": str(folder / "trytond.conf"),
        "TRYTOND_DATABASE_NAMES": DATABASE,
        "TRYTOND_LOGGING_LEVEL": "40",
    }
    with (folder / "server.log").open("wb") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)


async def _answering(tryton: Tryton) -> None:
    for _ in range(600):
        try:
            await tryton.sign_in()
        except (OSError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.1)
        else:
            return
    raise RuntimeError("Tryton does not answer")


async def peers() -> Section:
    """The whole part."""
    runs: dict[str, list[Measured]] = {}
    async with running() as tryton, server.running() as suite:
        shop = await server.open_shop(suite)
        await order_to_cash(suite, shop, total=50, concurrency=FEW)
        await load(tryton.order_to_cash, tryton.connect, total=4, concurrency=2)
        for _ in range(ROUNDS):
            for what, measured in (await _turn(tryton, suite, shop)).items():
                runs.setdefault(what, []).append(measured)
    create = _ratios([runs[OURS_CREATED]], [runs[CREATED]])
    cash = {many: _ratios([runs[OURS.format(many)]], [runs[THEIRS.format(many)]]) for many in (FEW, MANY)}
    best = _ratios(
        [runs[OURS.format(many)] for many in (FEW, MANY)], [runs[THEIRS.format(many)] for many in (FEW, MANY)]
    )
    text = table(
        ["", "per second", "p50 ms", "p99 ms"], [[what, *_columns(found)] for what, found in runs.items()]
    ) + (
        f"\n\nOurs against Tryton's of the same run: create and confirm {spread(create, 1)} (wanted: 4). Order to "
        f"cash, each with as many clients as suit it best: {spread(best)} (wanted: 100); with {FEW} clients "
        f"{spread(cash[FEW])}, with {MANY} {spread(cash[MANY])}; with {FEW} and Tryton shipping, too, "
        f"{spread(_ratios([runs[OURS.format(FEW)]], [runs[SHIPPED]]))}."
    )
    return Section("Tryton beside ours", text)


async def _turn(tryton: Tryton, suite: Server, shop: Shop) -> dict[str, Measured]:
    """Each thing once, Tryton's and ours in turn."""

    async def theirs(
        what: Callable[[Connection, int], Awaitable[object]], total: int, clients: int
    ) -> Measured:
        return await load(what, tryton.connect, total=total, concurrency=clients)

    async def ours(total: int, clients: int) -> Measured:
        return (await order_to_cash(suite, shop, total=total, concurrency=clients))[0]

    return {
        CREATED: await theirs(tryton.create, 100, FEW),
        OURS_CREATED: await create_orders(suite, shop, total=500, concurrency=FEW),
        THEIRS.format(FEW): await theirs(tryton.order_to_cash, TRYTON_ORDERS, FEW),
        SHIPPED: await theirs(tryton.order_to_shipment, TRYTON_ORDERS, FEW),
        OURS.format(FEW): await ours(OUR_ORDERS, FEW),
        THEIRS.format(MANY): await theirs(tryton.order_to_cash, MANY, MANY),
        OURS.format(MANY): await ours(2 * OUR_ORDERS, MANY),
    }


def _ratios(ours: Sequence[Sequence[Measured]], theirs: Sequence[Sequence[Measured]]) -> list[float]:
    """Turn by turn, the best of our rates over the best of theirs."""
    return [
        max(o.rate for o in our) / max(t.rate for t in their)
        for our, their in zip(zip(*ours, strict=True), zip(*theirs, strict=True), strict=True)
    ]


def _columns(runs: list[Measured]) -> list[str]:
    return [
        spread([m.rate for m in runs], 1),
        spread([m.p50 for m in runs], 0),
        spread([m.p99 for m in runs], 0),
    ]
