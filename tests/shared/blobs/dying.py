"""A process that takes a file in, or erases one, and is killed at a named point, as by power loss.

`python -m tests.shared.blobs.dying DATABASE TENANT FILE POINT`; the points are `while-storing`, `after-storing`,
`before-commit`, `after-commit`, `while-erasing`, `after-erasing`.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

from joserfc.jwk import KeySet

from shared.blobs.records import keep_blob
from shared.blobs.refs import BlobKey
from shared.blobs.store import Blobs
from shared.blobs.sweep import sweep_blobs
from shared.blobs.uploads import store_upload
from shared.bus.pg.transport import PgTransport
from shared.context.ctx import SYSTEM, TenantFacts
from shared.context.unit_of_work import unit_of_work
from shared.http.internal_token import TokenVerifier
from shared.service.runtime import ServiceRuntime
from tests.kit.suite import BUS_PASSWORD, test_settings
from tests.shared.probe.service import PROBE


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def chunks(point: str) -> AsyncIterator[bytes]:
    for _ in range(12):
        yield b"x" * 1024 * 1024
    if point == "while-storing":
        await asyncio.sleep(0.2)  # a part is on its way to the disk
        die()


async def upload(runtime: ServiceRuntime, key: BlobKey, point: str) -> None:
    tenant = TenantFacts(
        key.tenant_id, "Acme", "Acme Ltd", "GB", "GBP", "Europe/London", clock_offset=timedelta()
    )
    ref = await store_upload(runtime, key, chunks(point))
    if point == "after-storing":
        die()
    async with unit_of_work(runtime, tenant, SYSTEM, request_id="dying") as ctx:
        await keep_blob(ctx, ref)
        if point == "before-commit":
            die()
    die()


async def erase(runtime: ServiceRuntime, point: str) -> None:
    blobs = runtime.ports.get(Blobs)
    erase_one = blobs.erase

    async def dying(key: BlobKey) -> None:
        if point == "while-erasing":
            die()
        await erase_one(key)
        die()

    blobs.erase = dying  # type: ignore[method-assign]
    await sweep_blobs(runtime)


async def main(url: str, tenant: str, file: str, point: str) -> None:
    async def no_keys() -> KeySet:
        return KeySet([])

    transport = PgTransport(url, password=BUS_PASSWORD, poll_seconds=1)
    runtime = ServiceRuntime(
        PROBE,
        dsn=url,
        settings=test_settings(),
        transport=transport,
        verifier=TokenVerifier("probe", no_keys),
    )
    await runtime.start(work=False)
    if point.endswith("-erasing"):
        await erase(runtime, point)
    else:
        await upload(runtime, BlobKey(UUID(tenant), "probe", UUID(file)), point)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
