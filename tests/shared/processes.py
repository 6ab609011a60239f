"""Starting the probe as a process, and callers of a database whose service does no work here."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from joserfc.jwk import KeySet, OKPKey

from shared.bus.pg.transport import PgTransport
from shared.http import internal_token
from shared.service.runtime import ServiceRuntime
from tests.kit.suite import BUS_PASSWORD, Suite, blobs_url, scopes_of, test_settings
from tests.shared.probe.service import PROBE

ROOT = Path(__file__).parents[2]
KILLED = -signal.SIGKILL


@asynccontextmanager
async def probe_process(url: str, point: str = "none") -> AsyncIterator[asyncio.subprocess.Process]:
    """A working probe; killed at the end if it still lives."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.shared.probe.process", url, point,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "BACKOFFICE_BLOBS_URL": blobs_url()},
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def killed_at(url: str, point: str) -> None:
    """Run the probe until its kill point kills it."""
    async with probe_process(url, point) as process:
        code = await asyncio.wait_for(process.wait(), 30)
    assert code == KILLED, f"the process ended with {code} instead of being killed at {point}"


@asynccontextmanager
async def idle_suite(url: str) -> AsyncIterator[Suite]:
    """The probe answering requests only: its outbox and inbox stand still until a process comes."""
    key = internal_token.new_key()

    async def keys() -> KeySet:
        return KeySet([OKPKey.import_key(key.as_dict(private=False))])

    transport = PgTransport(url, password=BUS_PASSWORD, poll_seconds=0.02)
    running = ServiceRuntime(
        PROBE,
        dsn=url,
        settings=test_settings(),
        transport=transport,
        verifier=internal_token.TokenVerifier("probe", keys),
    )
    await running.start(work=False)
    suite = Suite(url, {"probe": running}, transport, key, scopes_of([PROBE]))
    try:
        yield suite
    finally:
        await suite.close()
        await running.stop()
        await transport.close()
