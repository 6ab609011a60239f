"""The models declare what the migrations create: columns, types, keys, indexes."""

import pytest

from services.all import SERVICES
from shared.database.migrations import pending_differences
from shared.service.manifest import Service


@pytest.mark.parametrize("service", SERVICES, ids=[s.name for s in SERVICES])
async def test_models_and_migrations_agree(database_url: str, service: Service):
    assert await pending_differences(database_url, service.name, service.metadatas()) == []
