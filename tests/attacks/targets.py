"""The suite in both shapes, to be attacked: all in one process, and each role in a process of its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.attacks.bystander import Target
from tests.deploy.databases import fresh_database
from tests.kit.deployment import OPERATOR, Deployment, deployment
from tests.kit.program import Process, free_port
from tests.kit.suite import ROLE_SECRET, SEALING_KEYS

SHAPES = ("one process", "processes")


@asynccontextmanager
async def one_process(database_url: str, **settings: str) -> AsyncIterator[Deployment]:
    """`backoffice up` over a database of its own."""
    with TemporaryDirectory(prefix="bo-attacked-") as name:
        folder = Path(name)
        environment = {
            "BACKOFFICE_DATABASE_URL": database_url,
            "BACKOFFICE_ROLE_SECRET": ROLE_SECRET,
            "BACKOFFICE_SEALING_KEYS": SEALING_KEYS,
            "BACKOFFICE_ADMIN_CLIENT_ID": OPERATOR[0],
            "BACKOFFICE_ADMIN_CLIENT_SECRET": OPERATOR[1],
            "BACKOFFICE_DATA_DIR": str(folder / "data"),
            "BACKOFFICE_PORT": str(free_port()),
        } | settings
        process = Process("gateway-1", ["up"], environment, folder / "up.log", preloaded=True)
        suite = Deployment(folder, {process.name: process})
        try:
            await suite.start()
            yield suite
        finally:
            suite.kill_everything()


@asynccontextmanager
async def attacked(admin_url: str, shape: str, **settings: Any) -> AsyncIterator[Target]:
    """A deployment of that shape for the length of a block; `settings` are further ones (BACKOFFICE_…)."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(fresh_database(admin_url))
        running = (
            one_process(url, **settings)
            if shape == "one process"
            else deployment(url, role_secret=ROLE_SECRET, preloaded=True, **settings)
        )
        suite = await stack.enter_async_context(running)
        yield Target(suite, stack)
