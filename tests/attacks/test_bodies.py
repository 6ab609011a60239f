"""Bodies that stop coming, drip, or come in masses; and answers that nobody reads."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.attacks.bystander import Attack, Target, under_way
from tests.attacks.raw import Crowd, head
from tests.attacks.targets import SHAPES, attacked
from tests.kit.suite import eventually

LARGE_MB = 4
MOST_MB = 512


@pytest.fixture(scope="module", params=SHAPES)
async def target(request: pytest.FixtureRequest, admin_url: str) -> AsyncIterator[Target]:
    """A deployment whose patience is shorter than usual, so that its end is seen."""
    patience = {"BACKOFFICE_BODY_GRACE_SECONDS": "6", "BACKOFFICE_READER_SECONDS": "3"}
    async with attacked(admin_url, request.param, **patience) as found:
        yield found


def has_memory_left(target: Target) -> None:
    assert max(target.resident_mb().values()) < MOST_MB


async def silence(crowd: Crowd) -> None:
    """Lasts for as long as anyone of a crowd is still waited for."""
    while crowd.silent():  # noqa: ASYNC110 - of sockets that nobody reads
        await asyncio.sleep(0.05)


async def test_bodies_that_never_come_keep_nobody_from_being_served(target: Target) -> None:
    bystander = await target.company()
    attackers = [await target.company() for _ in range(6)]
    with Crowd(target.port) as crowd:
        for attacker in attackers:
            request = head("POST", "/v1/orders", "content-length: 1000", bearer=attacker.bearer)
            await crowd.grow(50, request + b"{")  # a first byte, for which a connection was once taken
        async with under_way(silence(crowd)) as attack:
            await bystander.is_served(times=20)
            assert attack.runs()
            assert crowd.silent() == 300
            has_memory_left(target)
            await asyncio.wait_for(attack.ends(), 20)
        assert {said[:12] for said in crowd.answers()} == {b"HTTP/1.1 408"}


async def test_of_one_tenant_only_its_share_is_waited_for(target: Target) -> None:
    bystander, attacker = await target.company(), await target.company()
    with Crowd(target.port) as crowd:
        request = head("POST", "/v1/orders", "content-length: 1000", bearer=attacker.bearer)
        await crowd.grow(300, request)

        async def refused() -> bool:
            return len(crowd.answers()) == 300 - 256

        await eventually(refused)
        assert {said[:12] for said in crowd.answers()} == {b"HTTP/1.1 429"}
        await bystander.is_served(times=20)
        assert crowd.silent() == 256


async def test_bodies_that_drip_are_served_beside_and_end(target: Target) -> None:
    bystander, attacker = await target.company(), await target.company()
    with Crowd(target.port) as crowd:
        await crowd.grow(60, head("POST", "/v1/orders", "content-length: 100000", bearer=attacker.bearer))
        async with under_way(crowd.drip(0.5)) as attack:
            await bystander.is_served(times=20)
            assert attack.runs()
            assert crowd.silent() == 60
            await asyncio.wait_for(silence(crowd), 20)
        assert {said[:12] for said in crowd.answers()} <= {b"HTTP/1.1 408", b""}


async def test_many_large_uploads_of_one_tenant_at_once(target: Target) -> None:
    bystander, attacker = await target.company(), await target.company()
    content = b"no orders at all\n" * (LARGE_MB * 2**20 // 17)

    async def upload() -> int:
        files = {"file": ("orders.csv", content, "text/csv")}
        answer = await attacker.http.post(
            "/v1/order-imports", files=files, data={"options": "none"}, timeout=60
        )
        return answer.status_code

    async def all_uploads() -> list[int]:
        return await asyncio.gather(*(upload() for _ in range(64)))

    async def measured(attack: Attack) -> int:
        most = 0
        while attack.runs():
            await bystander.is_served(times=1)
            most = max(most, int(max(target.resident_mb().values())))
        return most

    async with under_way(all_uploads()) as attack:
        await bystander.is_served(times=10)
        assert attack.runs()
        assert await measured(attack) < MOST_MB
        statuses = set(await attack.ends())
    assert statuses <= {422, 429}
    assert 422 in statuses  # those within the share have reached the service, which refuses the options


async def test_readers_that_take_nothing_are_cut_off(target: Target) -> None:
    bystander = await target.company()
    with Crowd(target.port, buffer=4096) as crowd:
        await crowd.grow(30, head("GET", "/openapi.json") * 60)

        async def cut_off() -> None:
            """Every one has been given up: writing to it fails."""
            await asyncio.wait_for(crowd.drip(0.2), 30)

        async with under_way(cut_off()) as attack:
            await bystander.is_served(times=20)
            assert attack.runs()
            has_memory_left(target)
            await attack.ends()
