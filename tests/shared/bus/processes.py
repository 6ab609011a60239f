"""Starting consumers as processes of their own, and reading what they have done."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from shared.values.ids import new_id
from tests.kit.suite import BUS_PASSWORD
from tests.shared.processes import KILLED, ROOT


class ConsumerProcess:
    """A consumer in another process, and its journal."""

    def __init__(self, process: asyncio.subprocess.Process, journal: Path) -> None:
        self.process = process
        self._journal = journal

    @property
    def done(self) -> list[str]:
        """The texts it has handled, in order."""
        if not self._journal.exists():
            return []
        return [json.loads(line) for line in self._journal.read_text().splitlines()]


@asynccontextmanager
async def consumer_process(
    address: list[str], queue: str, type_: str, folder: Path, **spec: str
) -> AsyncIterator[ConsumerProcess]:
    """A working consumer; killed at the end if it still lives."""
    journal = folder / new_id().hex
    told = json.dumps(
        {"queue": queue, "type": type_, "journal": str(journal), "password": BUS_PASSWORD, **spec}
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.shared.bus.consumer_process", *address, told,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield ConsumerProcess(process, journal)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def consumed_by_process(
    address: list[str], queue: str, type_: str, folder: Path, **spec: str
) -> list[str]:
    """What a consumer has handled until its kill point killed it."""
    async with consumer_process(address, queue, type_, folder, **spec) as consumer:
        code = await asyncio.wait_for(consumer.process.wait(), 30)
        assert code == KILLED, f"the process ended with {code} instead of being killed"
        return consumer.done
