"""Faults of the network: links cut, stalled, slowed."""

import asyncio
from random import Random

from tests.chaos.faults import fault
from tests.chaos.laboratory import HEARTBEAT_SECONDS, Laboratory

WAYS = {
    "the database": ("database", ("orders-api", "orders-worker", "billing-api", "billing-worker", "gateway")),
    "the broker": ("broker", ("orders-worker", "billing-worker")),
}


def _each_place(called: str, place: str, callers: tuple[str, ...]) -> None:
    @fault(f"cut links to {called}")
    async def cut(lab: Laboratory, dice: Random) -> str:
        caller, seconds = _who(dice, callers), dice.uniform(2, 8)
        ways = lab.ways(caller, place)
        for way in ways:
            way.break_off()
        await asyncio.sleep(seconds)
        for way in ways:
            way.mend()
        return f"{caller}, {seconds:.1f} s"

    @fault(f"stall links to {called}")
    async def stall(lab: Laboratory, dice: Random) -> str:
        caller, seconds = _who(dice, callers), dice.uniform(2, 4) * HEARTBEAT_SECONDS
        lost = dice.random() < 0.5
        ways = lab.ways(caller, place)
        for way in ways:
            way.stall()
        await asyncio.sleep(seconds)
        for way in ways:
            way.mend(reset=lost)
        return f"{caller}, {seconds:.1f} s, then {'reset' if lost else 'all arrives late'}"

    @fault(f"slow links to {called}")
    async def slow(lab: Laboratory, dice: Random) -> str:
        caller, delay, seconds = _who(dice, callers), dice.uniform(0.02, 0.2), dice.uniform(3, 8)
        ways = lab.ways(caller, place)
        for way in ways:
            way.delay = delay
        await asyncio.sleep(seconds)
        for way in ways:
            way.mend()
        return f"{caller}, {delay * 1000:.0f} ms each way for {seconds:.1f} s"


def _who(dice: Random, callers: tuple[str, ...]) -> str:
    """One process of a kind, or both."""
    return dice.choice(callers) + dice.choice(("", "-1", "-2"))


for _called, (_place, _callers) in WAYS.items():
    _each_place(_called, _place, _callers)


@fault("cut links to the services")
async def cut_upstreams(lab: Laboratory, dice: Random) -> str:
    """A gateway, or both, cannot reach a service."""
    caller, service, seconds = (
        _who(dice, ("gateway",)),
        dice.choice(("orders", "billing")),
        dice.uniform(1, 5),
    )
    ways = lab.ways(caller, service)
    for way in ways:
        way.break_off()
    await asyncio.sleep(seconds)
    for way in ways:
        way.mend()
    return f"{caller} to {service}, {seconds:.1f} s"


@fault("stall links to the services")
async def stall_upstreams(lab: Laboratory, dice: Random) -> str:
    """A gateway, or both, hears nothing from a service."""
    caller, service, seconds = (
        _who(dice, ("gateway",)),
        dice.choice(("orders", "billing")),
        dice.uniform(2, 8),
    )
    ways = lab.ways(caller, service)
    for way in ways:
        way.stall()
    await asyncio.sleep(seconds)
    for way in ways:
        way.mend(reset=dice.random() < 0.5)
    return f"{caller} to {service}, {seconds:.1f} s"


@fault("slow consumer")
async def slow_consumer(lab: Laboratory, dice: Random) -> str:
    """Consumers of one service take long over each statement, so that their queue grows."""
    service, delay, seconds = (
        dice.choice(("orders", "billing")),
        dice.uniform(0.05, 0.15),
        dice.uniform(5, 10),
    )
    ways = lab.ways(f"{service}-worker", "database")
    for way in ways:
        way.delay = delay
    await asyncio.sleep(seconds)
    for way in ways:
        way.mend()
    return f"{service}, {delay * 1000:.0f} ms each way for {seconds:.1f} s"
