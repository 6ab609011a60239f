"""One process of the program, for tests: started, killed, paused, stopped and started again."""

import asyncio
import importlib
import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol

import psutil

ROOT = Path(__file__).parents[2]
PROGRAM = "deploy.cli.commands"
READY_SECONDS = 60.0
SAYS_READY = " is ready "  # "… on port 8000" of one role, "… after 4 s" of `up`
STOP_SECONDS = 40.0


class NotStarted(RuntimeError):  # noqa: N818 - named for what happened
    """A process ended, or was not ready in time; its log's last lines are in the sentence."""


def free_port() -> int:
    """A port nobody listens on, and that no outgoing connection is given meanwhile (Linux gives those 32768 and up)."""
    while True:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def cpu_of_children(
    parent: psutil.Process, module: str, *, deep: bool = False
) -> dict[psutil.Process, float]:
    """CPU seconds of each process that `parent` has started and that runs this module; `deep`: their children, too.

    What ends while we look is left out.
    """
    found = {}
    for child in parent.children(recursive=deep):
        with suppress(psutil.NoSuchProcess):
            if module in child.cmdline():
                found[child] = child.cpu_times().user
    return found


class Spawned(Protocol):
    """A process as `subprocess` has it."""

    @property
    def pid(self) -> int:
        """Its process id."""

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""

    def wait(self) -> int:
        """Wait for the end; returns the exit status."""

    def send_signal(self, sig: int) -> None:
        """Send a signal."""


class Forked:
    """A process forked from the preloaded one."""

    def __init__(
        self, program: str, command: Sequence[str], environment: Mapping[str, str], log_file: Path
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([PROGRAM])
        arguments = (program, list(command), dict(environment), str(log_file))
        self._process = context.Process(target=_run_command, args=arguments, daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""
        return self._process.exitcode

    def wait(self) -> int:
        """Wait for the end; returns the exit status."""
        self._process.join()
        return self._process.exitcode or 0

    def send_signal(self, sig: int) -> None:
        """Send a signal."""
        os.kill(self.pid, sig)


def _run_command(program: str, command: list[str], environment: dict[str, str], log_file: str) -> NoReturn:
    """Become the program: settings, output and session as a process of its own has them."""
    os.setsid()
    log = os.open(log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(environment)
    importlib.import_module(program).app(command, prog_name="backoffice")
    raise SystemExit(0)


@dataclass
class Process:
    """One process of the deployment: killed, paused, stopped and started again as often as one likes.

    `program` is the module whose `app` it runs; a test may name one of its own around `deploy.cli.commands`, or as
    `root` another tree of the source, of which nothing is preloaded.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log_file: Path
    preloaded: bool = False
    program: str = PROGRAM
    root: Path = ROOT
    running: Spawned | None = None
    _awaited: int = 0

    @property
    def url(self) -> str:
        """Where it answers; shared with the other replicas of an API."""
        return f"http://127.0.0.1:{self.environment['BACKOFFICE_PORT']}"

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self.running.pid if self.running is not None and self.alive else None

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
        self._awaited = self.log.count(SAYS_READY) + 1
        if self.preloaded:
            self.running = Forked(self.program, self.command, self.environment, self.log_file)
            return
        with self.log_file.open("ab") as log:
            self.running = subprocess.Popen(
                [sys.executable, "-c", f"from {self.program} import app; app()", *self.command],
                cwd=self.root,
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
        while self.log.count(SAYS_READY) < self._awaited:
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
        """Ask it to stop as an orchestrator does; returns its exit status."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> int:
        """Wait for its end; returns its exit status."""
        assert self.running is not None
        return await asyncio.wait_for(asyncio.to_thread(self.running.wait), STOP_SECONDS)
