"""RabbitMQ for tests of the transport: every kind of broker that this machine has."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.kit import rabbit
from tests.kit.rabbit import Broker
from tests.shared.bus.wire import Wire


@pytest.fixture(scope="session", params=rabbit.kinds() or ("none",))
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    if request.param == "none":
        (pytest.fail if rabbit.demanded() else pytest.skip)(rabbit.MISSING)
    with rabbit.running(request.param) as running:
        yield running


@pytest.fixture
async def vhost(broker: Broker) -> AsyncIterator[str]:
    """The address of a virtual host that one test has for itself."""
    url = await broker.new_vhost()
    yield url
    await broker.drop_vhost(url)


@pytest.fixture
async def wire(vhost: str) -> AsyncIterator[Wire]:
    wire = Wire(vhost)
    await wire.open()
    yield wire
    await wire.close()
