"""The faults: each is inflicted, lasts, and is lifted; what it answers says what exactly it was.

A fault has ended when it returns: killed processes have been started again, links mended, servers are up.
"""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.chaos.laboratory import HEARTBEAT_SECONDS, KINDS, Laboratory
from tests.chaos.program import POINTS
from tests.kit.program import Process
from tests.kit.suite import eventually

Strike = Callable[[Laboratory, Random], Awaitable[str]]
FAULTS: dict[str, "Fault"] = {}
POINT_SECONDS = 15.0
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
HOUR = 3600
WORKERS = ("orders-worker", "billing-worker")


@dataclass(frozen=True)
class Fault:
    """A fault by its name."""

    name: str
    strike: Strike
    gentle: bool = (
        False  # planned work, during which no request may fail but for a 503 that says when to come again
    )

    @property
    def possible(self) -> bool:
        """Whether this machine can do it."""
        return not self.name.startswith("clock") or FAKETIME.exists()


def fault(name: str, *, gentle: bool = False) -> Callable[[Strike], Strike]:
    """Register a fault."""

    def register(strike: Strike) -> Strike:
        FAULTS[name] = Fault(name, strike, gentle)
        return strike

    return register


def _some(lab: Laboratory, dice: Random, kind: str) -> list[Process]:
    """One process of a kind, or all of them."""
    every = lab.kind(kind)
    return every if dice.random() < 0.3 else [dice.choice(every)]


def _names(processes: list[Process]) -> str:
    return " and ".join(process.name for process in processes)


def _each_kind(kind: str) -> None:
    """kill -9 and pause, for one kind of process."""

    @fault(f"kill {kind}")
    async def kill(lab: Laboratory, dice: Random) -> str:
        victims, away = _some(lab, dice, kind), dice.uniform(0.2, 3)
        for victim in victims:
            victim.kill()
        await asyncio.sleep(away)
        await lab.back(*victims)
        return f"{_names(victims)}, away {away:.1f} s"

    @fault(f"pause {kind}")
    async def pause(lab: Laboratory, dice: Random) -> str:
        victims, seconds = _some(lab, dice, kind), dice.uniform(2, 4) * HEARTBEAT_SECONDS
        for victim in victims:
            victim.signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        for victim in victims:
            victim.signal(signal.SIGCONT)
        return f"{_names(victims)}, {seconds:.1f} s"


for _kind in KINDS:
    _each_kind(_kind)


def _each_point(point: str, role: str) -> None:
    """Death at a planned point: every process of a service's role is armed, and who comes there first dies."""

    @fault(f"die between {point}")
    async def die(lab: Laboratory, dice: Random) -> str:
        armed = lab.kind(f"{dice.choice(('orders', 'billing'))}-{role}")
        for process in armed:
            lab.arm(process, point, dice.randint(1, 3))
        if point.startswith("gathered"):
            await _pile_up(armed)
        await _somebody_dies(armed)
        dead = [process for process in armed if not process.alive]
        for process in armed:
            lab.arm(process, "", 0)
        await asyncio.sleep(dice.uniform(0, 2))
        await lab.back(*armed)
        return _names(dead) if dead else "not reached"


async def _somebody_dies(armed: list[Process]) -> None:
    """Wait until a process has come to its point, or long enough."""

    async def so() -> bool:
        return not all(process.alive for process in armed)

    with suppress(AssertionError):  # a point that is not reached is no violation, and reported
        await eventually(so, within=POINT_SECONDS, every=0.02)


async def _pile_up(consumers: list[Process]) -> None:
    """Let events pile up, so that they are taken together."""
    for process in consumers:
        process.signal(signal.SIGSTOP)
    await asyncio.sleep(1.5)
    for process in consumers:
        process.signal(signal.SIGCONT)


for _point, _role in POINTS.items():
    _each_point(_point, _role)


@fault("restart the database")
async def restart_database(lab: Laboratory, dice: Random) -> str:
    """The fast shutdown of planned maintenance."""
    away = dice.uniform(0, 3)
    await asyncio.to_thread(lab.database.stop)
    await asyncio.sleep(away)
    await lab.database.start()
    return f"fast shutdown, away {away:.1f} s"


@fault("crash the database")
async def crash_database(lab: Laboratory, dice: Random) -> str:
    """kill -9 of its first process, or the immediate shutdown."""
    away, hard = dice.uniform(0, 3), dice.random() < 0.5
    (lab.database.kill if hard else lab.database.crash)()
    await asyncio.sleep(away)
    await lab.database.start()
    return f"{'kill -9' if hard else 'immediate shutdown'}, away {away:.1f} s"


@fault("restart the broker")
async def restart_broker(lab: Laboratory, dice: Random) -> str:
    """SIGTERM, and started again."""
    await asyncio.to_thread(lab.broker.server.stop)
    await asyncio.to_thread(lab.broker.server.start)
    return "SIGTERM"


@fault("crash the broker")
async def crash_broker(lab: Laboratory, dice: Random) -> str:
    """SIGKILL, and started again."""
    await asyncio.to_thread(lab.broker.server.crash)
    return "kill -9"


@fault("disk alarm at the broker")
async def disk_alarm(lab: Laboratory, dice: Random) -> str:
    """The broker takes nothing while it has less free disk than it wants."""
    seconds = dice.uniform(3, 8)
    before = _refusals(lab)
    await lab.broker.control("set_disk_free_limit", "1000000000000000")
    await asyncio.sleep(seconds)
    await lab.broker.control("set_disk_free_limit", "50MB")
    return f"{seconds:.1f} s, relays refused {_refusals(lab) - before} times"


@fault("full queue")
async def full_queue(lab: Laboratory, dice: Random) -> str:
    """A queue takes a few messages, nobody consumes, and the rest is refused, as deploy/rabbitmq says."""
    service, seconds = dice.choice(("orders", "billing")), dice.uniform(3, 8)
    bound = '{"max-length": 3, "overflow": "reject-publish", "delivery-limit": 1000}'
    policy = ["--apply-to", "queues", "--priority", "50", "full", f"^backoffice\\.{service}$", bound]
    before = _refusals(lab)
    await lab.broker.control("set_policy", *policy)
    consumers = lab.kind(f"{service}-worker")
    for process in consumers:
        process.kill()
    await asyncio.sleep(seconds)
    await lab.back(*consumers)
    await lab.broker.control("clear_policy", "full")
    return f"backoffice.{service}, {seconds:.1f} s, relays refused {_refusals(lab) - before} times"


def _refusals(lab: Laboratory) -> int:
    """How often the workers' relays say that the broker took nothing or not all."""
    return sum(process.log.count('"transport refused"') for kind in WORKERS for process in lab.kind(kind))


@fault("rolling restart", gentle=True)
async def rolling_restart(lab: Laboratory, dice: Random) -> str:
    """Each process in turn is asked to stop and replaced once it has; the next one follows when it is ready."""
    began, statuses = time.monotonic(), set()
    for process in lab.suite.processes.values():
        statuses.add(await process.stop())
        await process.start()
        await lab.ready()
    assert statuses == {0}, f"processes ended with {statuses}"
    return f"{len(lab.suite.processes)} processes in {time.monotonic() - began:.0f} s"


@fault("clock jump")
async def clock_jump(lab: Laboratory, dice: Random) -> str:
    """The only worker of a service lives an hour ahead, then an hour behind."""
    service = dice.choice(("orders", "billing"))
    jumping, other = lab.kind(f"{service}-worker")
    offset = lab.suite.folder / "offset"
    offset.write_text("+0\n")
    ordinary = jumping.environment, jumping.preloaded
    faked = {"LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1",
             "FAKETIME_DONT_FAKE_MONOTONIC": "1"}  # fmt: skip
    await asyncio.gather(jumping.stop(), other.stop())
    jumping.environment, jumping.preloaded = {**jumping.environment, **faked}, False
    try:
        await jumping.start()
        for jump in (HOUR, -HOUR, 0):
            offset.write_text(f"{jump:+d}\n")
            await asyncio.sleep(3)
        await jumping.stop()
    finally:
        jumping.environment, jumping.preloaded = ordinary
    await lab.back(jumping, other)
    return f"{jumping.name}, ±1 h"
