"""The short form of `make chaos`: the most telling faults, once each, in a laboratory of their own."""

import pytest

from tests.chaos.faults import FAULTS
from tests.chaos.laboratory import laboratory
from tests.chaos.rounds import play
from tests.kit import rabbit, rabbit_local

WITHIN_SECONDS = 30.0  # ten is the goal, measured by `make chaos`; other tests run beside this one
SEED = 1
TELLING = (
    "die between gathered effects and commit",
    "die between commit and answer",
    "crash the database",
    "crash the broker",
)


@pytest.mark.timeout(400)
async def test_nothing_is_lost_and_nothing_doubled_whatever_dies():
    """One test, so that several pytest workers do not start a laboratory each."""
    if not (rabbit_local.installed() or rabbit_local.installable()):
        (pytest.fail if rabbit.demanded() else pytest.skip)(rabbit.MISSING)
    async with laboratory() as lab:
        for name in TELLING:
            outcome = await play(lab, FAULTS[name], number=1, seed=SEED, within=WITHIN_SECONDS)

            assert outcome.wrong == [], name
            assert outcome.orders > 0
            assert outcome.target != "not reached", name
