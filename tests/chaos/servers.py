"""The database and the broker of a laboratory: its own, so that they can be killed and started again."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from deploy.run.suite import DATABASE
from shared.embedded import server as embedded
from shared.embedded.host import EmbeddedError
from tests.kit import postgres, rabbit_local
from tests.kit.rabbit import MISSING, NoBroker
from tests.kit.rabbit_local import LocalServer

# What a crash of the server must not lose is kept; a power cut of the machine is not among our faults.
SETTINGS = {"fsync": "off", "synchronous_commit": "on", "max_wal_size": "2GB"}
READY_SECONDS = 60.0


class DatabaseServer:
    """A PostgreSQL of our own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = embedded.start(folder, settings=SETTINGS)
        self.url = postgres.database_url(self._server.url, DATABASE)

    @property
    def socket(self) -> str:
        """Where it listens."""
        return f"{self._server.socket_dir}/.s.PGSQL.{self._server.port}"

    async def prepare(self) -> None:
        """Make our database and remember which process is the server."""
        await postgres.create_database(self._server.url, DATABASE)
        await self._find()

    async def _find(self) -> None:
        sql = await asyncpg.connect(self._server.url)
        cluster = Path(await sql.fetchval("show data_directory"))
        await sql.close()
        self._pid = int((cluster / "postmaster.pid").read_text().split("\n")[0])

    def kill(self) -> None:
        """kill -9 of the postmaster; its children notice and go."""
        os.kill(self._pid, signal.SIGKILL)

    def crash(self) -> None:
        """The immediate shutdown: nobody is seen off, recovery follows."""
        os.kill(self._pid, signal.SIGQUIT)

    def stop(self) -> None:
        """The fast shutdown: everybody is disconnected, everything written."""
        self._server.stop()

    async def start(self) -> None:
        """Start it on what it has on its disk."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                await asyncio.to_thread(embedded.start, self._folder, settings=SETTINGS)
                await self._find()
            except (EmbeddedError, OSError, asyncpg.PostgresError):  # children of before are not gone yet
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.2)
            else:
                return

    def destroy(self) -> None:
        """Stop it and delete everything."""
        embedded.destroy(self._folder)


class BrokerServer:
    """A RabbitMQ of our own."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server

    def ctl(self, *arguments: str) -> None:
        """`rabbitmqctl`."""
        command = [str(self.server.ctl), *arguments]
        environment = os.environ | self.server.environment
        subprocess.run(command, env=environment, check=True, capture_output=True)

    async def control(self, *arguments: str) -> None:
        """`rabbitmqctl`, without holding anybody up."""
        await asyncio.to_thread(self.ctl, *arguments)


def _passable_folder() -> Path:
    """A short folder that the server's account can pass."""
    folder = Path(tempfile.mkdtemp(prefix="bo-chaos-"))
    folder.chmod(0o711)
    return folder


@asynccontextmanager
async def database_server() -> AsyncIterator[DatabaseServer]:
    """A PostgreSQL for the length of a block."""
    folder = _passable_folder()
    server = await asyncio.to_thread(DatabaseServer, folder / "data")
    try:
        await server.prepare()
        yield server
    finally:
        await asyncio.to_thread(server.destroy)
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def broker_server() -> AsyncIterator[BrokerServer]:
    """A RabbitMQ for the length of a block; installed where it is missing and we may."""
    if not rabbit_local.installed():
        if not rabbit_local.installable():
            raise NoBroker(MISSING)
        await asyncio.to_thread(rabbit_local.install)
    running = rabbit_local.running()
    server = await asyncio.to_thread(running.__enter__)
    try:
        yield BrokerServer(server)
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)
