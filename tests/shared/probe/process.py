"""The probe as a process of its own that can be killed at a named point: `python -m tests.shared.probe.process`.

Arguments: database address, kill point (`none`, `before-publish`, `after-publish`, `after-effect`). It prints
`ready` and works until it is killed; a kill point kills it with SIGKILL, as power loss would.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from joserfc.jwk import KeySet

from shared.bus.pg.transport import PgTransport
from shared.bus.transport import Delivery
from shared.http import internal_token
from shared.service.runtime import ServiceRuntime
from tests.kit.suite import BUS_PASSWORD, test_settings
from tests.shared.probe.service import PROBE


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def plan(point: str, transport: Any, running: ServiceRuntime) -> None:
    publish: Callable[..., Awaitable[Any]] = transport.publish
    deliver = running.inbox.deliver

    async def publishing(messages: Any) -> Any:
        if point == "before-publish":
            die()
        outcome = await publish(messages)
        if point == "after-publish":
            die()
        return outcome

    async def delivering(delivery: Delivery) -> None:
        await deliver(delivery)
        if point == "after-effect":
            die()

    transport.publish = publishing
    running.inbox.deliver = delivering  # type: ignore[method-assign]


async def main(url: str, point: str) -> None:
    async def no_keys() -> KeySet:
        return KeySet([])

    settings = test_settings(consumer_attempts=3)
    transport = PgTransport(url, password=BUS_PASSWORD, poll_seconds=0.02)
    verifier = internal_token.TokenVerifier("probe", no_keys)
    running = ServiceRuntime(PROBE, dsn=url, settings=settings, transport=transport, verifier=verifier)
    plan(point, transport, running)
    await running.start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    print("ready", flush=True)  # noqa: T201 - the parent waits for it
    await stop.wait()
    await running.stop()
    await transport.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
