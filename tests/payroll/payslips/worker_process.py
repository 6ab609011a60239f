"""A worker of payroll as a process of its own: `python -m tests.payroll.payslips.worker_process URL STEPS`.

It kills itself with SIGKILL, as power loss would, in the step of a job after so many; with 0 steps it works on.
"""

import asyncio
import os
import signal
import sys
from typing import Any

from joserfc.jwk import KeySet

from services.payroll.pay_runs.actions import calculating
from services.payroll.service import SERVICE
from shared.background.jobs import JobRun
from shared.bus.pg.transport import PgTransport
from shared.context.ctx import Ctx
from shared.http import internal_token
from shared.service.runtime import ServiceRuntime
from tests.kit.suite import BUS_PASSWORD
from tests.kit.suite import test_settings as settings_of_tests

AT_ONCE = 2


def die_after(steps: int) -> None:
    """Have the step after so many end with the process."""
    report, done_steps = JobRun.progress, 0

    async def progress(self: JobRun, ctx: Ctx, done: int, total: int | None = None, **more: Any) -> None:
        nonlocal done_steps
        if done_steps == steps:
            os.kill(os.getpid(), signal.SIGKILL)
        await report(self, ctx, done, total, **more)
        done_steps += 1

    JobRun.progress = progress  # type: ignore[method-assign]


async def main(url: str, steps: int) -> None:
    """Work until told to stop, or killed."""

    async def no_keys() -> KeySet:
        return KeySet([])

    calculating.AT_ONCE = AT_ONCE  # type: ignore[misc]
    if steps:
        die_after(steps)
    transport = PgTransport(url, password=BUS_PASSWORD, poll_seconds=0.02)
    verifier = internal_token.TokenVerifier("payroll", no_keys)
    running = ServiceRuntime(
        SERVICE, dsn=url, settings=settings_of_tests(), transport=transport, verifier=verifier
    )
    await running.start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await running.stop()
    await transport.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
