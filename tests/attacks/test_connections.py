"""Connections in masses: one address has a share of them, and silent ones make room."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.attacks.bystander import Company, Target, under_way
from tests.attacks.raw import Crowd
from tests.kit.suite import eventually

MANY = 2000
HALF_A_HEAD = b"GET /v1/orders HTTP/1.1\r\nhost: x\r\nx-thing"


@asynccontextmanager
async def elsewhere(company: Company, address: str) -> AsyncIterator[Company]:
    """The same company, calling from another address, with a new connection for each request."""
    transport = httpx.AsyncHTTPTransport(
        local_address=address, limits=httpx.Limits(max_keepalive_connections=0), retries=0
    )
    async with httpx.AsyncClient(
        transport=transport, base_url=company.http.base_url, headers=company.http.headers, timeout=20
    ) as http:
        yield Company(company.id, http)


@pytest.mark.parametrize("said", [b"", HALF_A_HEAD], ids=["silent", "half a head"])
async def test_two_thousand_connections_of_one_address_leave_room_for_others(
    target: Target, said: bytes
) -> None:
    company = await target.company()
    with Crowd(target.port) as crowd:
        await crowd.grow(MANY, said)

        async def goes_on() -> None:
            for _ in range(100):
                await crowd.grow(50, said)
            await asyncio.Event().wait()  # and holds what it has

        async def share_is_kept() -> bool:
            return 0 < crowd.silent() <= 1000

        async with elsewhere(company, "127.0.0.2") as bystander, under_way(goes_on()) as attack:
            await bystander.is_served(times=20)
            assert attack.runs()
            await eventually(share_is_kept, within=60)  # those that still knock are told nothing, either
            assert max(target.resident_mb().values()) < 512
        await company.is_served(times=5)  # silent ones make room even for who comes from where they come from


async def test_a_crowd_from_many_addresses_makes_room_too(target: Target) -> None:
    company = await target.company()
    crowds = [Crowd(target.port, address=f"127.0.1.{n}") for n in range(1, 5)]
    try:
        await asyncio.gather(*(crowd.grow(600) for crowd in crowds))
        async with elsewhere(company, "127.0.0.2") as bystander:
            await bystander.is_served(times=10)
        assert sum(crowd.silent() for crowd in crowds) <= MANY
    finally:
        for crowd in crowds:
            crowd.__exit__()
