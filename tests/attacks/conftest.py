"""A deployment to attack, for the tests of this folder."""

from collections.abc import AsyncIterator

import pytest

from tests.attacks.bystander import Target
from tests.attacks.targets import SHAPES, attacked


@pytest.fixture(scope="module", params=SHAPES)
async def target(request: pytest.FixtureRequest, admin_url: str) -> AsyncIterator[Target]:
    """A deployment under its ordinary settings, of both shapes in turn."""
    async with attacked(admin_url, request.param) as found:
        yield found
