"""What a service names in its manifest of its own: settings, ways out, loops, probes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from pydantic import Field

from shared.base.settings import KernelSettings
from shared.context.ctx import Actor
from shared.context.unit_of_work import Runtime, unit_of_work
from shared.service.manifest import Loop
from tests.kit.suite import eventually, running_suite
from tests.shared.probe.service import PROBE


class ProbeSettings(KernelSettings):
    """Settings of a service's own, beside the kernel's."""

    post_office: str = Field("nowhere", description="Where letters go.")


class Letterbox:
    """A way out: letters are dropped here."""

    def __init__(self, post_office: str) -> None:
        self.post_office = post_office
        self.open = True


made: list[Letterbox] = []


@asynccontextmanager
async def a_letterbox(settings: ProbeSettings) -> AsyncIterator[Letterbox]:
    box = Letterbox(settings.post_office)
    made.append(box)
    yield box
    box.open = False


async def test_a_port_is_made_from_the_services_own_settings_found_by_its_type_and_closed_in_the_end(
    fresh_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BACKOFFICE_POST_OFFICE", "York")
    service = replace(PROBE, settings=ProbeSettings, ports={**PROBE.ports, Letterbox: a_letterbox})

    async with running_suite(fresh_url, [service]) as suite:
        tenant = await suite.new_tenant()
        async with unit_of_work(suite["probe"], tenant, Actor("a-test"), request_id="r") as ctx:
            found = ctx.port(Letterbox)
            assert (found.post_office, found.open) == ("York", True)

    assert made[-1] is found
    assert not found.open


async def test_a_loop_is_called_again_at_once_while_there_is_work_and_ends_with_the_service(fresh_url: str):
    looks: list[str] = []
    three = asyncio.Event()

    async def look(runtime: Runtime) -> bool:
        looks.append(runtime.name)
        if len(looks) == 3:
            three.set()
        return len(looks) < 3

    service = replace(PROBE, loops=(*PROBE.loops, Loop("letters", look, 3600.0)))
    async with running_suite(fresh_url, [service]):
        async with asyncio.timeout(20):
            await three.wait()

    assert looks == ["probe"] * 3


async def test_readiness_says_what_a_probe_says_and_that_one_has_failed(fresh_url: str):
    said: list[str | None] = ["the post office is closed"]

    async def post_office_open(_: Runtime) -> str | None:
        return said[0]

    async def stamps_left(_: Runtime) -> str | None:
        raise ConnectionError("nobody knows")

    service = replace(PROBE, probes=(*PROBE.probes, post_office_open, stamps_left))
    async with running_suite(fresh_url, [service]) as suite:
        client: httpx.AsyncClient = suite.anonymous("probe")
        answer = await client.get("/readyz")
        said[0] = None

        async def complaints_since() -> list[str] | None:
            found = (await client.get("/readyz")).json()["complaints"]
            return None if "the post office is closed" in found else found

        later = await eventually(complaints_since)

    failed = "stamps_left failed: ConnectionError('nobody knows')"
    assert answer.status_code == 503
    assert {"the post office is closed", failed} <= set(answer.json()["complaints"])
    assert failed in later


async def test_a_service_whose_port_cannot_be_made_does_not_start_and_lets_go_of_everything(fresh_url: str):
    @asynccontextmanager
    async def nothing_there(_: KernelSettings) -> AsyncIterator[Letterbox]:
        raise ConnectionRefusedError("no post office answers")
        yield Letterbox("never")

    service = replace(PROBE, ports={**PROBE.ports, Letterbox: nothing_there})

    with pytest.raises(ConnectionRefusedError, match="no post office"):
        async with running_suite(fresh_url, [service]):
            pass
