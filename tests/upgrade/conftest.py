"""Each dump restored, migrated and served, for all tests of this folder."""

import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from deploy.run.suite import migrate_all
from tests.kit import postgres
from tests.stories.steps import Document
from tests.upgrade.dumping import put_back, restored, text_of
from tests.upgrade.noted import answers
from tests.upgrade.past import changed
from tests.upgrade.suites import Door, files_folder, settings, suite_over

DUMPS = sorted((Path(__file__).parent / "dumps").glob("*.sql.gz"))


@dataclass
class Migrated:
    """A restored database after `backoffice migrate`, and all that is in it after one run and after another."""

    url: str
    data_dir: Path
    facts: dict[str, Any]
    once: list[str]
    changed_again: list[str]
    twice: list[str]


@dataclass
class Upgraded:
    """The suite at work on it, and what companies had read before any work went on."""

    url: str
    facts: dict[str, Any]
    read: dict[str, dict[str, Any]]
    door: Door

    @property
    def companies(self) -> list[dict[str, Any]]:
        """The companies that had traded, as noted."""
        found: list[dict[str, Any]] = self.facts["companies"]
        return found


@pytest.fixture(scope="session", params=DUMPS, ids=lambda dump: dump.name.split(".")[0])
async def migrated(
    request: pytest.FixtureRequest, admin_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Migrated]:
    dump: Path = request.param
    facts = json.loads(gzip.decompress(dump.with_name(dump.name.replace(".sql.", ".json.")).read_bytes()))
    data_dir = tmp_path_factory.mktemp("upgrade")
    url = await restored(admin_url, dump)
    put_back(facts.get("files", {}), files_folder(data_dir))
    try:
        await migrate_all(url, settings(data_dir))
        once = text_of(url)
        changed_again = await migrate_all(url, settings(data_dir))
        yield Migrated(url, data_dir, facts, once, changed_again, text_of(url))
    finally:
        await postgres.drop_database(admin_url, urlsplit(url).path.lstrip("/"))


@pytest.fixture(scope="session")
async def upgraded(migrated: Migrated) -> AsyncIterator[Upgraded]:
    """Read while nobody works on what was in flight; then billing is told of the late company, and all work."""
    facts = migrated.facts
    read = {}
    async with suite_over(migrated.url, migrated.data_dir, working=[]) as door:
        for company in facts["companies"]:
            api = await door.signed_in(**company["client"])
            read[company["tenant"]] = await answers(api, as_of=company["as_of"])
        operator = await door.signed_in(**facts["operator"])
        await subscribed(operator, facts["under_way"]["tenant"])
    async with suite_over(migrated.url, migrated.data_dir) as door:
        yield Upgraded(migrated.url, facts, read, door)


async def subscribed(operator: Any, tenant: str) -> Document:
    """A company that had only orders gets billing, too."""
    return await changed(operator, f"/v1/tenants/{tenant}", services=["orders", "billing"])
