"""A round: load, a fault in the middle of it, the time until a new order goes through, and the checker's verdict."""

import asyncio
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random

import httpx

from tests.chaos import link_faults  # noqa: F401 - registers its faults
from tests.chaos.caller import TOTAL, TRY_SECONDS, Notes
from tests.chaos.company import Company, open_company, operator_of
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.history import History, settled, strangers_are_refused
from tests.chaos.laboratory import Laboratory
from tests.chaos.load import Load, gone_through
from tests.kit.suite import eventually

COMPANIES = 2
WARM_ORDERS = 6
AFTER_SECONDS = 1.0
RECOVERY_SECONDS = 90.0
CANARY_EVERY_SECONDS = 1.0


@dataclass
class Outcome:
    """What a round came to."""

    number: int
    fault: str
    target: str = ""
    orders: int = 0
    usual: float = float("nan")
    fault_seconds: float = 0.0
    recovery: float = float("nan")
    settling: float = float("nan")
    slowest: float = 0.0
    away: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def requests(self) -> int:
        """How many requests were answered."""
        return self.away[TOTAL]

    @property
    def unanswered(self) -> dict[str, int]:
        """Tries that were no answer, by reason."""
        return {reason: count for reason, count in sorted(self.away.items()) if reason != TOTAL}


def planned_faults(seed: int, count: int, only: Sequence[str]) -> list[Fault]:
    """The faults of a run, shuffled, each before any comes twice; only those whose name contains one of these."""
    chosen = [
        fault
        for name, fault in FAULTS.items()
        if fault.possible and (not only or any(part in name for part in only))
    ]
    found: list[Fault] = []
    cycle = 0
    while chosen and len(found) < count:
        found += Random(f"{seed}:{cycle}").sample(chosen, len(chosen))
        cycle += 1
    return found[:count]


async def play(lab: Laboratory, fault: Fault, *, number: int, seed: int, within: float) -> Outcome:
    """One round; whatever fails in it is in its outcome."""
    outcome = Outcome(number, fault.name)
    notes = Notes(away=outcome.away, wrong=outcome.wrong)
    limits = httpx.Limits(max_connections=100)
    async with httpx.AsyncClient(trust_env=False, timeout=TRY_SECONDS, limits=limits) as http:
        try:
            await _play(lab, fault, outcome, notes, http, Random(f"{seed}:{number}:{fault.name}"))
        except Exception as error:  # noqa: BLE001 - a round that breaks off is a violation, and the next one goes on
            outcome.wrong.append(f"{type(error).__name__}: {error}")
            if not isinstance(error, AssertionError | ExceptionGroup):
                outcome.wrong.append(traceback.format_exc(limit=-3))
    outcome.slowest = notes.slowest
    for name in ("recovery", "settling"):
        seconds = getattr(outcome, name)
        if not seconds <= within:
            outcome.wrong.append(f"{name} took {seconds:.1f} s, more than {within:.0f} s")
    if fault.gentle:
        outcome.wrong += [f"{reason}: {count} times" for reason, count in outcome.unanswered.items()
                          if not _tolerable(reason)]  # fmt: skip
    return outcome


def _tolerable(reason: str) -> bool:
    """What planned work may answer: a 503 with the time to come again; and a key that is still being worked on."""
    return (reason.startswith("503") and "without" not in reason) or reason == "in progress"


async def _play(
    lab: Laboratory, fault: Fault, outcome: Outcome, notes: Notes, http: httpx.AsyncClient, dice: Random
) -> None:
    operator = operator_of(lab, notes, http)
    companies = [await open_company(lab, notes, operator, dice) for _ in range(COMPANIES)]
    notes.away.clear()
    load = Load(companies)
    try:
        await load.reached(WARM_ORDERS)
        outcome.usual = await _recovered(companies[0], time.monotonic())
        await asyncio.sleep(dice.uniform(0, 1))
        began = time.monotonic()
        outcome.target = await fault.strike(lab, dice)
        ended = time.monotonic()
        outcome.fault_seconds = ended - began
        outcome.recovery = await _recovered(companies[0], ended)
        await asyncio.sleep(AFTER_SECONDS)
        stopped = time.monotonic()
        await load.close()
        await asyncio.gather(*(_settled(company) for company in companies))
        outcome.settling = time.monotonic() - stopped
    finally:
        await load.abandon()
        outcome.orders = load.taken
    outcome.wrong += [f"{name} has ended by itself" for name in lab.dead()]
    for company in companies:
        outcome.wrong += await History(company).check()
    outcome.wrong += await strangers_are_refused(companies[0], companies[1])
    outcome.wrong += await strangers_are_refused(companies[1], companies[0])


async def _recovered(company: Company, since: float) -> float:
    """Seconds until the first of the orders begun from now on has its invoice."""
    canaries: list[asyncio.Task[None]] = []
    try:
        async with asyncio.timeout(RECOVERY_SECONDS):
            while not any(canary.done() for canary in canaries):
                canaries.append(asyncio.create_task(gone_through(company)))
                await asyncio.wait(
                    canaries, timeout=CANARY_EVERY_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
            seconds = time.monotonic() - since
            await asyncio.gather(*canaries)
            return seconds
    finally:
        for canary in canaries:
            canary.cancel()


async def _settled(company: Company) -> None:
    await eventually(partial(settled, company), within=RECOVERY_SECONDS, every=0.1)
