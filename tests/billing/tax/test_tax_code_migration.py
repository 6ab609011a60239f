"""Databases from before overlaps were refused: what can be said without them is kept, the rest is listed."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from services.billing.service import SERVICE
from shared.database.migrations import current_revision, head, migrate
from shared.values.ids import new_id
from tests.kit import postgres
from tests.kit.suite import PASSWORD, revisions_before

ROW = (
    "insert into billing.tax_codes (tenant_id, id, code, name, category, rate, valid_from, valid_to) "
    "values ($1, $2, 'standard', 'VAT', 'S', $3, $4, $5)"
)
ACROSS = (
    "select rate from billing.tax_codes where tenant_id = $1 and valid_from <= $2 "
    "and (valid_to is null or valid_to >= $2) order by valid_from desc limit 1"
)


@pytest.fixture
async def before(admin_url: str, tmp_path: Path) -> AsyncIterator[asyncpg.Connection]:
    """Billing's schema as it was; the connection is the superuser's."""
    old = revisions_before(SERVICE.migrations, "0005", tmp_path / "migrations")
    name = f"tax_codes_{uuid4().hex}"
    await migrate(await postgres.create_database(admin_url, name), "billing", old, password=PASSWORD)
    sql = await asyncpg.connect(postgres.database_url(admin_url, name))
    yield sql
    await sql.close()
    await postgres.drop_database(admin_url, name)


async def rates(sql: asyncpg.Connection, tenant: object) -> list[object]:
    """The rate of the first day of each month of three years."""
    days = [date(year, month, 1) for year in (2020, 2021, 2022) for month in range(1, 13)]
    return [await sql.fetchval(ACROSS, tenant, day) for day in days]


async def given_rows(sql: asyncpg.Connection, *rows: tuple[int, date, date | None]) -> object:
    tenant = new_id()
    for rate, first, last in rows:
        await sql.execute(ROW, tenant, new_id(), rate, first, last)
    return tenant


async def test_what_went_on_beside_its_successor_is_shortened_and_no_day_changes_its_rate(
    before: asyncpg.Connection, admin_url: str
):
    tenant = await given_rows(
        before,
        (19, date(2019, 1, 1), None),
        (16, date(2020, 7, 1), date(2021, 3, 31)),
        (17, date(2021, 1, 1), date(2021, 12, 31)),
        (18, date(2021, 6, 1), None),
    )
    other = await given_rows(before, (5, date(2019, 1, 1), None))
    # the first would hold again after the second, were it not for the third
    await before.execute("update billing.tax_codes set valid_to = '2020-12-31' where rate = 19")
    said = await rates(before, tenant)
    url = postgres.database_url(admin_url, await before.fetchval("select current_database()"))

    await migrate(url, "billing", SERVICE.migrations, password=PASSWORD)

    assert await rates(before, tenant) == said
    rows = await before.fetch(
        "select rate, valid_to, version from billing.tax_codes where tenant_id = $1 order by valid_from",
        tenant,
    )
    assert [tuple(row) for row in rows] == [
        (19, date(2020, 6, 30), 2),
        (16, date(2020, 12, 31), 2),
        (17, date(2021, 5, 31), 2),
        (18, None, 1),
    ]
    assert await before.fetchval("select version from billing.tax_codes where tenant_id = $1", other) == 1
    forced = "select relforcerowsecurity from pg_class where oid = 'billing.tax_codes'::regclass"
    assert await before.fetchval(forced)


async def test_a_rate_within_the_time_of_another_stops_the_migration_and_is_listed(
    before: asyncpg.Connection, admin_url: str
):
    tenant = await given_rows(
        before, (19, date(2019, 1, 1), None), (16, date(2020, 7, 1), date(2020, 12, 31))
    )
    url = postgres.database_url(admin_url, await before.fetchval("select current_database()"))

    with pytest.raises(
        asyncpg.RaiseError, match=f"tenant {tenant}: standard 2020-07-01..2020-12-31"
    ) as caught:
        await migrate(url, "billing", SERVICE.migrations, password=PASSWORD)

    assert "add its rate anew after it" in caught.value.hint
    assert await current_revision(before, "billing") == "billing_0004" != head(SERVICE.migrations)
