"""The suite under load: `backoffice up` in a process of its own, with a fresh data folder."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.client import Connection


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# What a benchmark sets wherever it runs the suite: no limit is to be met, and no access line written (as nginx here).
UNLIMITED = {
    "BACKOFFICE_TENANT_RATE_PER_MINUTE": "100000000",
    "BACKOFFICE_TENANT_BURST": "10000000",
    "BACKOFFICE_LOG_LEVEL": "WARNING",
}


@dataclass
class Front:
    """A suite's gateway, and who may open accounts there."""

    port: int
    operator: tuple[str, str]

    def connect(self, token: str = "") -> Connection:
        """A connection, as whoever the token is of."""
        return Connection("127.0.0.1", self.port, {"authorization": f"Bearer {token}"} if token else {})


@dataclass
class Server(Front):
    """A running suite of one process."""

    data_dir: Path
    process: subprocess.Popen[bytes]
    ready_seconds: float

    @property
    def resident_mb(self) -> float:
        """Resident memory of the Python process."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("no VmRSS")

    @property
    def cpu_seconds(self) -> float:
        """CPU time of the Python process so far."""
        return cpu_seconds(self.process.pid)


async def start(data_dir: Path, module: str = "deploy", **more: str) -> Server:
    """Start the suite (or another module that serves on BACKOFFICE_PORT) and wait until it is ready."""
    port = free_port()
    # The second start of whoever may write here finds its bytecode.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {
        "BACKOFFICE_DATA_DIR": str(data_dir),
        "BACKOFFICE_PORT": str(port),
        **UNLIMITED,
    }
    started = time.perf_counter()
    process = _spawn(module, environment | more)
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"the suite ended with {process.returncode} instead of starting")
        probe = Connection("127.0.0.1", port, {})
        try:
            status, _ = await probe.raw("GET", "/readyz")
            if status == 200:
                seconds = time.perf_counter() - started
                kept = json.loads((data_dir / "admin-credentials.json").read_text())
                return Server(port, (kept["client_id"], kept["client_secret"]), data_dir, process, seconds)
        except OSError:
            await asyncio.sleep(0.02)
        finally:
            probe.close()


def _spawn(module: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", module, *(["up"] if module == "deploy" else [])]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


def stop(server: Server) -> None:
    """Stop it as Ctrl-C does."""
    server.process.send_signal(signal.SIGINT)
    server.process.wait(30)


@asynccontextmanager
async def running() -> AsyncIterator[Server]:
    """A fresh suite for the length of a block."""
    data_dir = Path(tempfile.mkdtemp(prefix="bo-bench-"))
    server = await start(data_dir)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            stop(server)
        shutil.rmtree(data_dir, ignore_errors=True)


@dataclass
class Shop:
    """A client company ready to sell: a token, customers and twenty products with stock."""

    tenant_id: str
    token: str
    customers: list[str]
    skus: list[str]


async def open_account(server: Front) -> str:
    """A client company's access token, where nothing but the gateway runs."""
    return (await _open_tenant(server, "Bench"))[1]


async def _open_tenant(server: Front, name: str) -> tuple[str, str]:
    """Take a client company on; returns its id and an access token."""
    operator = server.connect(await token(server, *server.operator))
    tenant = await operator.call(
        "POST", "/v1/tenants",
        {"name": name, "legal_name": f"{name} Ltd", "country": "GB", "currency": "GBP",
         "time_zone": "Europe/London", "kind": "live"},
    )  # fmt: skip
    scopes = ["orders:read", "orders:write", "billing:read", "billing:write"]
    client = await operator.call(
        "POST", f"/v1/tenants/{tenant['id']}/clients", {"name": "load", "scopes": scopes}
    )
    operator.close()
    return tenant["id"], await token(server, client["client_id"], client["client_secret"])


async def open_shop(server: Front, name: str = "Bench") -> Shop:
    """Take a client company on, with something to sell."""
    tenant_id, access = await _open_tenant(server, name)
    api = server.connect(access)
    customers = [
        (await api.call("POST", "/v1/customers", {"name": f"Customer {n}"}))["id"] for n in range(50)
    ]
    skus = [f"SKU-{n}" for n in range(20)]
    for sku in skus:
        price = {"amount": "9.99", "currency": "GBP"}
        await api.call("POST", "/v1/products", {"sku": sku, "name": sku, "unit_price": price})
        await api.call("POST", "/v1/stock-adjustments", {"sku": sku, "delta": 100_000_000, "reason": "bench"})
    api.close()
    return Shop(tenant_id, access, customers, skus)


async def token(server: Front, client_id: str, secret: str) -> str:
    """An access token by client credentials."""
    body = f"grant_type=client_credentials&client_id={client_id}&client_secret={secret}"
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    lines = (
        "POST /oauth/token HTTP/1.1",
        "host: localhost",
        "content-type: application/x-www-form-urlencoded",
        f"content-length: {len(body)}",
        "connection: close",
    )
    head = "\r\n".join(lines) + "\r\n\r\n"
    writer.write((head + body).encode())
    answer = await reader.read()
    writer.close()
    return str(json.loads(answer.split(b"\r\n\r\n", 1)[1])["access_token"])
