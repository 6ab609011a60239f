"""Killed at each step between the first byte and the last row: no kept file is lost, no other one stays for good."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from shared.base.telemetry import BLOBS_UNERASED_AGE
from shared.blobs.refs import BlobKey
from shared.blobs.store import Blobs, StoreAway
from shared.context.ctx import TenantFacts
from shared.values.ids import new_id
from tests.kit.suite import Suite, blobs_url, eventually
from tests.shared.blobs.files import folder, later, older, states, stored
from tests.shared.processes import idle_suite

ROOT = Path(__file__).parents[3]


async def killed_at(kernel: Suite, tenant: TenantFacts, point: str, file: UUID | None = None) -> UUID:
    """Have a process of its own take a file in, or sweep, until it is killed."""
    file = file or new_id()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.shared.blobs.dying", kernel.url, str(tenant.id), str(file), point,
        cwd=ROOT, env={**os.environ, "BACKOFFICE_BLOBS_URL": blobs_url()},
    )  # fmt: skip
    assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
    return file


@pytest.mark.parametrize("point", ["while-storing", "after-storing", "before-commit"])
async def test_a_file_whose_taker_died_before_the_commit_is_erased_after_a_day(
    kernel: Suite, owner: TenantFacts, point: str
):
    await killed_at(kernel, owner, point)
    assert (await states(kernel, owner), len(stored(owner))) == (["pending"], 1)

    await later(kernel, owner, hours=23)
    assert (await states(kernel, owner), len(stored(owner))) == (["pending"], 1)
    await later(kernel, owner, hours=2)
    await later(kernel, owner, hours=1)

    assert (await states(kernel, owner), stored(owner)) == ([], [])


async def test_a_file_whose_taker_died_after_the_commit_is_kept(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    file = await killed_at(kernel, owner, "after-commit")

    await later(kernel, owner, hours=1000)

    assert len((await probe.get(f"/v1/files/{file}/content")).content) == 12 * 1024 * 1024


@pytest.mark.parametrize(("point", "left"), [("while-erasing", 1), ("after-erasing", 0)])
async def test_a_sweep_that_died_is_finished_by_the_next(fresh_url: str, point: str, left: int):
    """Over a database of its own: the sweep of a suite at work would come first."""
    async with idle_suite(fresh_url) as kernel:
        owner = await kernel.new_tenant()
        probe = kernel.client("probe", owner)
        made = (await probe.post("/v1/files", files={"file": ("a", b"content")})).json()
        await probe.delete(f"/v1/files/{made['id']}")
        await older(kernel, owner, hours=73)

        await killed_at(kernel, owner, point)
        assert (await states(kernel, owner), len(stored(owner))) == (["deleted"], left)
        await later(kernel, owner, hours=0)

        assert (await states(kernel, owner), stored(owner)) == ([], [])


async def test_an_upload_that_was_given_up_meanwhile_cannot_be_kept(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    """The sweep and a slow upload meet: either keeps its word, and the answer says which."""
    came = asyncio.Event()
    go_on = asyncio.Event()

    async def slow():
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx'
        came.set()
        await go_on.wait()
        yield b"\r\n--b--\r\n"

    upload = asyncio.create_task(
        probe.post("/v1/files", content=slow(), headers={"content-type": "multipart/form-data; boundary=b"})
    )
    await came.wait()
    await later(kernel, owner, hours=25)
    go_on.set()
    answer = await upload

    assert (answer.status_code, answer.json()["code"]) == (409, "upload_expired")
    await later(kernel, owner, hours=1)
    assert (await states(kernel, owner), stored(owner)) == ([], [])


async def test_a_file_that_somebody_lost_is_no_answer_that_looks_whole(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    made = (await probe.post("/v1/files", files={"file": ("a", b"content")})).json()
    (folder() / BlobKey(owner.id, "probe", UUID(made["id"])).path).unlink()

    answer = await probe.get(f"/v1/files/{made['id']}/content")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")


async def test_a_process_without_its_store_says_that_it_is_not_ready(kernel: Suite):
    client = kernel.anonymous("probe")
    probe = folder() / "ready" / "probe"
    assert (await client.get("/readyz")).status_code == 200

    async def refused() -> httpx.Response | None:
        answer = await client.get("/readyz")
        return answer if answer.status_code == 503 else None

    probe.rename(probe.with_name("away"))
    try:
        answer = await eventually(refused)
    finally:
        probe.with_name("away").rename(probe)

    assert "blobs_reachable" in answer.json()["complaints"][0]


async def test_a_store_that_refuses_to_erase_is_asked_again_and_the_delay_is_told(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    blobs = kernel["probe"].ports.get(Blobs)
    erase = blobs.erase

    async def away(key: BlobKey) -> None:
        raise StoreAway("for a test")

    await probe.post("/v1/files", files={"file": ("a", b"content")}, data={"note": "refuse"})
    blobs.erase = away  # type: ignore[method-assign]
    try:
        await later(kernel, owner, hours=3)
    finally:
        blobs.erase = erase  # type: ignore[method-assign]
    assert (await states(kernel, owner), len(stored(owner))) == (["abandoned"], 1)
    assert BLOBS_UNERASED_AGE.labels("probe")._value.get() >= 3 * 3600

    await later(kernel, owner, hours=0)

    assert (await states(kernel, owner), stored(owner)) == ([], [])
    assert BLOBS_UNERASED_AGE.labels("probe")._value.get() < 3 * 3600
