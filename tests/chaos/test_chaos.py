"""The short form of `make chaos`: the most telling faults, once each, in a laboratory of their own."""

from collections.abc import AsyncIterator

import pytest

from shared.testing import rabbit, rabbit_local
from tests.chaos.faults import FAULTS
from tests.chaos.laboratory import Laboratory, laboratory
from tests.chaos.rounds import play

pytestmark = pytest.mark.timeout(400)
WITHIN_SECONDS = 30.0  # ten is the goal, measured by `make chaos`; other tests run beside this one
SEED = 1


@pytest.fixture(scope="module")
async def lab() -> AsyncIterator[Laboratory]:
    if not (rabbit_local.installed() or rabbit_local.installable()):
        (pytest.fail if rabbit.demanded() else pytest.skip)(rabbit.MISSING)
    async with laboratory() as found:
        yield found


@pytest.mark.parametrize(
    "name",
    [
        "die between gathered effects and commit",
        "die between commit and answer",
        "crash the database",
        "crash the broker",
    ],
)
async def test_nothing_is_lost_and_nothing_doubled_whatever_dies(lab: Laboratory, name: str):
    outcome = await play(lab, FAULTS[name], number=1, seed=SEED, within=WITHIN_SECONDS)

    assert outcome.orders > 0
    assert outcome.target != "not reached"
    assert outcome.wrong == []
