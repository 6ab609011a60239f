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
import importlib
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, Protocol

import httpx

ROOT = Path(__file__).parents[2]
OPERATOR = ("operator", "the secret of a deployment on trial")
READY_SECONDS = 60.0
STOP_SECONDS = 40.0
EAGER = {
    "BACKOFFICE_APP_POOL_SIZE": "4",
    "BACKOFFICE_WORKER_POOL_SIZE": "2",
    "BACKOFFICE_CONSUMER_BACKOFF_SECONDS": "0.2",
}


class NotStarted(RuntimeError):  # noqa: N818 - named for what happened
    """A process ended, or was not ready in time; its log's last lines are in the sentence."""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Spawned(Protocol):
    """A process as `subprocess` has it."""

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""

    def wait(self) -> int:
        """Wait for the end; answers the exit status."""

    def send_signal(self, sig: int) -> None:
        """Send a signal."""


class Forked:
    """A process forked from the preloaded one."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log_file: Path) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["deploy.cli"])
        self._process = context.Process(
            target=_run_command, args=(list(command), dict(environment), str(log_file)), daemon=True
        )
        self._process.start()

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""
        return self._process.exitcode

    def wait(self) -> int:
        """Wait for the end; answers the exit status."""
        self._process.join()
        return self._process.exitcode or 0

    def send_signal(self, sig: int) -> None:
        """Send a signal."""
        assert self._process.pid is not None
        os.kill(self._process.pid, sig)


def _run_command(command: list[str], environment: dict[str, str], log_file: str) -> NoReturn:
    """Become the program: settings, output and session as a process of its own has them."""
    os.setsid()
    log = os.open(log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(environment)
    program = importlib.import_module("deploy.cli")
    program.app(command, prog_name="backoffice")
    raise SystemExit(0)


@dataclass
class Process:
    """One process of the deployment: killed, paused, stopped and started again as often as one likes."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log_file: Path
    preloaded: bool = False
    running: Spawned | None = None
    _awaited: int = 0

    @property
    def url(self) -> str:
        """Where it answers; shared with the other replicas of an API."""
        return f"http://127.0.0.1:{self.environment['BACKOFFICE_PORT']}"

    @property
    def alive(self) -> bool:
        """Whether the process runs (a paused one does)."""
        return self.running is not None and self.running.poll() is None

    @property
    def log(self) -> str:
        """What it has written so far, over all its starts."""
        return self.log_file.read_text() if self.log_file.exists() else ""

    def spawn(self) -> None:
        """Start it and return at once."""
        self._awaited = self.log.count(" is ready on port") + 1
        if self.preloaded:
            self.running = Forked(self.command, self.environment, self.log_file)
            return
        with self.log_file.open("ab") as log:
            self.running = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "deploy", *self.command],
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        self.spawn()
        await self.ready()

    async def ready(self) -> None:
        """Wait until it has said so after its last start."""
        deadline = time.monotonic() + READY_SECONDS
        while self.log.count(" is ready on port") < self._awaited:
            if not self.alive or time.monotonic() > deadline:
                raise NotStarted(f"{self.name} is not ready:\n{self.log[-2000:]}")
            await asyncio.sleep(0.05)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; SIGSTOP and SIGCONT pause it and let it go on."""
        if self.running is not None and self.alive:
            self.running.send_signal(number)

    def kill(self) -> None:
        """kill -9."""
        self.signal(signal.SIGKILL)
        if self.running is not None:
            self.running.wait()

    async def stop(self) -> int:
        """Ask it to stop as an orchestrator does; answers its exit status."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> int:
        """Wait for its end; answers its exit status."""
        assert self.running is not None
        return await asyncio.wait_for(asyncio.to_thread(self.running.wait), STOP_SECONDS)


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


def migrated(environment: Mapping[str, str]) -> None:
    """Run `backoffice migrate` under these settings."""
    command = [sys.executable, "-m", "deploy", "migrate"]
    done = subprocess.run(  # noqa: S603 - our own program
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
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
    **more: str,
) -> Deployment:
    """The processes of a deployment, none of them started; `more` are further settings of all (BACKOFFICE_…)."""
    ports = {name: free_port() for name in ("gateway", "orders", "billing")}
    shared = EAGER | {
        "BACKOFFICE_DATABASE_URL": database_url,
        "BACKOFFICE_ROLE_SECRET": role_secret,
        "BACKOFFICE_AMQP_URL": amqp_url,
        "BACKOFFICE_GATEWAY_URL": f"http://127.0.0.1:{ports['gateway']}",
        "BACKOFFICE_UPSTREAMS": ",".join(f"{s}=http://127.0.0.1:{ports[s]}" for s in ("orders", "billing")),
        "BACKOFFICE_ADMIN_CLIENT_ID": OPERATOR[0],
        "BACKOFFICE_ADMIN_CLIENT_SECRET": OPERATOR[1],
        "BACKOFFICE_REUSE_PORT": "true",
    }
    found = Deployment(folder)

    def plan(name: str, command: Sequence[str], port: int) -> None:
        environment = shared | more | {"BACKOFFICE_PORT": str(port)}
        found.processes[name] = Process(name, command, environment, folder / f"{name}.log", preloaded)

    for number in range(1, replicas + 1):
        plan(f"gateway-{number}", ["gateway"], ports["gateway"])
        for service in ("orders", "billing"):
            plan(f"{service}-api-{number}", ["serve", service, "--role", "api"], ports[service])
            plan(f"{service}-worker-{number}", ["serve", service, "--role", "worker"], free_port())
    return found


@asynccontextmanager
async def deployment(
    database_url: str,
    *,
    role_secret: str,
    amqp_url: str = "",
    replicas: int = 1,
    preloaded: bool = False,
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
        **more,
    )
    try:
        await suite.start()
        yield suite
    finally:
        suite.kill_everything()
        shutil.rmtree(folder, ignore_errors=True)
