"""A worker that is killed in the middle of a run: the next one goes on where it was, to the same bytes."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from joserfc.jwk import KeySet, OKPKey

from gateway.service import SERVICE as GATEWAY
from services.all import SERVICES
from services.payroll.service import SERVICE
from shared.bus.pg.transport import PgTransport
from shared.http import internal_token
from shared.service.runtime import ServiceRuntime
from tests.kit.postgres import drop_database
from tests.kit.suite import BUS_PASSWORD, Suite, migrated_database, scopes_of
from tests.kit.suite import test_settings as settings_of_tests
from tests.payroll.pay_runs.given_runs import calculated, caller, given_run, given_team, payslips_of, settled

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def idle(admin_url: str) -> AsyncIterator[Suite]:
    """Payroll answering requests only: its jobs stand still until a process comes."""
    name = f"backoffice_killed_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    url = await migrated_database(admin_url, (*SERVICES, GATEWAY), name)
    key = internal_token.new_key()

    async def keys() -> KeySet:
        return KeySet([OKPKey.import_key(key.as_dict(private=False))])

    transport = PgTransport(url, password=BUS_PASSWORD, poll_seconds=0.02)
    verifier = internal_token.TokenVerifier("payroll", keys)
    running = ServiceRuntime(
        SERVICE, dsn=url, settings=settings_of_tests(), transport=transport, verifier=verifier
    )
    await running.start(work=False)
    suite = Suite(url, {"payroll": running}, transport, key, scopes_of([SERVICE]))
    yield suite
    await suite.close()
    await running.stop()
    await transport.close()
    await drop_database(admin_url, name)


@asynccontextmanager
async def worker(url: str, steps: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker that dies after so many steps, or works on; killed at the end if it still lives."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.payroll.payslips.worker_process", url, str(steps), cwd=ROOT
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_a_killed_worker_leaves_a_run_that_the_next_one_ends_with_the_same_bytes(idle: Suite):
    tenant = await idle.new_tenant()
    payroll = caller(idle, tenant, "somebody")
    schedule, _ = await given_team(idle, tenant, 7)
    run = await given_run(payroll, schedule)
    assert (await payroll.post(f"/v1/pay-runs/{run['id']}/calculate")).status_code == 202
    async with worker(idle.url, 4) as process:
        assert await asyncio.wait_for(process.wait(), 120) == -signal.SIGKILL
    between = (await payroll.get(f"/v1/pay-runs/{run['id']}")).json()
    stored = (await payroll.get(f"/v1/payslips?pay_run_id={run['id']}")).json()["items"]
    assert (between["state"], between["progress"], len(stored)) == ("calculating", {"done": 2, "total": 7}, 2)

    async with worker(idle.url, 0):
        sql = await asyncpg.connect(idle.url)
        await sql.execute("update payroll.jobs set lease_until = now() where state = 'running'")
        await sql.close()
        ended = await settled(payroll, run)
        slips = {each["id"]: each["result_hash"] for each in await payslips_of(payroll, ended)}
        whole = await calculated(payroll, run)

    assert (ended["state"], ended["payslips"], len(slips)) == ("calculated", 7, 7)
    assert {each["id"] for each in stored} <= slips.keys()
    assert (whole["result_hash"], whole["input_hash"]) == (ended["result_hash"], ended["input_hash"])
