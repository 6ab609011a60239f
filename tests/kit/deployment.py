"""The whole suite as processes of their own, on free ports of this machine: for tests, faults and benchmarks.

    async with deployment(database_url, role_secret="…", replicas=2) as suite:
        suite["orders-worker-1"].kill()                # like kill -9
        await suite["orders-worker-1"].start()
        … requests to suite.url …

Replicas of an API share their port (SO_REUSEPORT), as replicas behind one name share it elsewhere. Each process
writes its log to a file of its own in `suite.folder`. With `preloaded=True` processes are forked from one that has
imported the program already, which spares each start seconds of CPU; it is the same program otherwise.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from deploy.run.secrets import own_secrets
from deploy.run.settings import DeploySettings
from services.all import KEYRINGS, NAMES
from tests.kit.program import READY_SECONDS, ROOT, NotStarted, Process, free_port
from tests.kit.suite import SEALING_KEYS

OPERATOR = ("operator", "the secret of a deployment on trial")
EAGER = {
    "BACKOFFICE_APP_POOL_SIZE": "4",
    "BACKOFFICE_WORKER_POOL_SIZE": "2",
    "BACKOFFICE_CONSUMER_BACKOFF_SECONDS": "0.2",
}


@dataclass
class Deployment:
    """All processes by name (`gateway-1`, `orders-api-1`, `billing-worker-2`, …)."""

    folder: Path
    processes: dict[str, Process] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Process:
        return self.processes[name]

    @property
    def url(self) -> str:
        """The gateway's address."""
        return self["gateway-1"].url

    def named(self, part: str) -> list[Process]:
        """The processes whose name begins like that."""
        return [process for name, process in self.processes.items() if name.startswith(part)]

    async def start(self) -> None:
        """Start all at once, as an orchestrator would, and wait until everything is ready."""
        for process in self.processes.values():
            process.spawn()
        for process in self.processes.values():
            await process.ready()
        await self.all_ready()

    async def all_ready(self, *, within: float = READY_SECONDS) -> None:
        """Wait until the gateway and every service behind it are ready."""
        deadline = time.monotonic() + within
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as http:
            while True:
                try:
                    answer = await http.get("/readyz", timeout=5)
                    if answer.status_code == 200:
                        return
                    reason = answer.text
                except httpx.TransportError as error:
                    reason = repr(error)
                if time.monotonic() > deadline:
                    raise NotStarted(f"the suite is not ready: {reason}")
                await asyncio.sleep(0.1)

    def kill_everything(self) -> None:
        """Leave nothing behind, whatever state it is in."""
        for process in self.processes.values():
            process.kill()


def secrets_of(name: str, *, role_secret: str, bus: bool) -> dict[str, str]:
    """What the processes of a service, or the gateway, are given: their own secrets."""
    keyrings = dict.fromkeys(KEYRINGS.values(), SEALING_KEYS)
    found = own_secrets(name, DeploySettings(role_secret=role_secret, keyrings=keyrings), bus=bus)
    return {setting.upper(): secret for setting, secret in found.items()}


def migrated(environment: Mapping[str, str], *, root: Path = ROOT) -> None:
    """Run `backoffice migrate` under these settings, from this tree of the source."""
    command = [sys.executable, "-m", "deploy", "migrate"]
    done = subprocess.run(
        command, cwd=root, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotStarted(f"migrate failed: {done.stdout}{done.stderr}")


def planned(
    database_url: str,
    *,
    role_secret: str,
    folder: Path,
    amqp_url: str = "",
    replicas: int = 1,
    preloaded: bool = False,
    services: Sequence[str] = NAMES,
    root: Path = ROOT,
    **more: str,
) -> Deployment:
    """The processes of a deployment, none of them started; `more` are further settings of all (BACKOFFICE_…).

    Each has its own secrets and no other's; the role secret is for `migrated`.
    """
    ports = {name: free_port() for name in ("gateway", *services)}
    shared = EAGER | {
        "BACKOFFICE_DATABASE_URL": database_url,
        "BACKOFFICE_AMQP_URL": amqp_url,
        "BACKOFFICE_GATEWAY_URL": f"http://127.0.0.1:{ports['gateway']}",
        "BACKOFFICE_UPSTREAMS": ",".join(f"{s}=http://127.0.0.1:{ports[s]}" for s in services),
        "BACKOFFICE_ADMIN_CLIENT_ID": OPERATOR[0],
        "BACKOFFICE_ADMIN_CLIENT_SECRET": OPERATOR[1],
        "BACKOFFICE_REUSE_PORT": "true",
        "BACKOFFICE_BLOBS_URL": (folder / "blobs").absolute().as_uri(),
    }
    found = Deployment(folder)

    def plan(name: str, of: str, command: Sequence[str], port: int) -> None:
        own = secrets_of(of, role_secret=role_secret, bus=not amqp_url)
        environment = shared | own | more | {"BACKOFFICE_PORT": str(port)}
        log = folder / f"{name}.log"
        found.processes[name] = Process(name, command, environment, log, preloaded, root=root)

    for number in range(1, replicas + 1):
        plan(f"gateway-{number}", "gateway", ["gateway"], ports["gateway"])
        for service in services:
            plan(f"{service}-api-{number}", service, ["serve", service, "--role", "api"], ports[service])
            plan(f"{service}-worker-{number}", service, ["serve", service, "--role", "worker"], free_port())
    return found


@asynccontextmanager
async def deployment(
    database_url: str,
    *,
    role_secret: str,
    amqp_url: str = "",
    replicas: int = 1,
    preloaded: bool = False,
    services: Sequence[str] = NAMES,
    root: Path = ROOT,
    **more: str,
) -> AsyncIterator[Deployment]:
    """A deployment over a migrated database, for the length of a block; every process is killed at its end."""
    folder = Path(tempfile.mkdtemp(prefix="bo-deployment-"))
    suite = planned(
        database_url,
        role_secret=role_secret,
        folder=folder,
        amqp_url=amqp_url,
        replicas=replicas,
        preloaded=preloaded,
        services=services,
        root=root,
        **more,
    )
    try:
        await suite.start()
        yield suite
    finally:
        suite.kill_everything()
        shutil.rmtree(folder, ignore_errors=True)
