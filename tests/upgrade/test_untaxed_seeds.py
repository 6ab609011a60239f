"""Countries without VAT: their seeded codes are out of scope, and what was seeded before becomes so once."""

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from services.billing.service import SERVICE as BILLING
from services.orders.service import SERVICE as ORDERS
from shared.database.migrations import migrate
from shared.service.manifest import Service
from shared.values.ids import new_id
from shared.values.tax_codes import tax_codes_for
from tests.kit import postgres
from tests.kit.suite import PASSWORD, SEALING_KEYS, revisions_before

ROW = (
    "insert into {}.tax_codes (tenant_id, id, code, name, category, rate, valid_from) "
    "values ($1, $2, $3, $4, $5, $6, $7)"
)
ALWAYS = date(2000, 1, 1)
BEFORE = {"billing": "0014", "orders": "0019"}


@pytest.fixture(params=[BILLING, ORDERS], ids=lambda service: service.name)
def service(request: pytest.FixtureRequest) -> Service:
    found: Service = request.param
    return found


@pytest.fixture
async def url(service: Service, admin_url: str, tmp_path: Path) -> AsyncIterator[str]:
    """A service's schema as it was."""
    old = revisions_before(service.migrations, BEFORE[service.name], tmp_path / "migrations")
    name = f"untaxed_{uuid4().hex}"
    found = await postgres.create_database(admin_url, name)
    await migrate(found, service.name, old, password=PASSWORD)
    yield found
    await postgres.drop_database(admin_url, name)


async def test_what_is_as_it_was_seeded_changes_and_what_a_company_made_of_it_stays(
    service: Service, url: str
):
    sql = await asyncpg.connect(url)
    tenant = new_id()
    seeded = [seed for country in ("US", "BR") for seed in tax_codes_for(country) if seed.category == "O"]
    rows = [(new_id(), seed.code, seed.name, "S", seed.rate, ALWAYS) for seed in seeded[:2]]
    other = [(new_id(), seed.code, seed.name, "S", seed.rate, ALWAYS) for seed in seeded[2:]]
    own = [
        (new_id(), "texas", "Texas", "S", Decimal("6.25"), ALWAYS),
        (new_id(), "mine", seeded[0].name, "S", Decimal(0), ALWAYS),
        (new_id(), "zero", "Zero rated", "Z", Decimal(0), ALWAYS),
    ]
    for whose, those in ((tenant, [*rows, *own]), (new_id(), other)):
        for row in those:
            await sql.execute(ROW.format(service.name), whose, *row)

    assert await migrate(url, service.name, service.migrations, password=PASSWORD, sealing_keys=SEALING_KEYS)

    found = await sql.fetch(f"select id, category, rate, version from {service.name}.tax_codes")
    await sql.close()
    now = {row["id"]: (row["category"], row["rate"], row["version"]) for row in found}
    assert [now[row[0]] for row in (*rows, *other)] == [("O", 0, 2)] * 4
    assert [now[row[0]] for row in own] == [("S", Decimal("6.25"), 1), ("S", 0, 1), ("Z", 0, 1)]
