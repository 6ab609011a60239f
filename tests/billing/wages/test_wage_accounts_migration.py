"""Companies from before wages were posted get the accounts that their chart lacks, as new ones have them."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.billing.ledger.chart import STANDARD_CHART
from services.billing.service import SERVICE
from services.billing.wages.rules import ACCOUNTS, ROLES
from shared.database.migrations import migrate
from shared.values.ids import new_id
from tests.kit import postgres
from tests.kit.suite import PASSWORD, SEALING_KEYS, revisions_before

SEEDS = {seed.code: (seed.name, seed.type) for seed in STANDARD_CHART}
ADDED = {"2330", "2340", "2350", "6050", "6250"}
BEFORE = {code: facts for code, facts in SEEDS.items() if code not in ADDED}


@pytest.fixture
async def url(admin_url: str, tmp_path: Path) -> AsyncIterator[str]:
    """Billing's schema as it was."""
    old = revisions_before(SERVICE.migrations, "0020", tmp_path / "migrations")
    name = f"wages_{uuid4().hex}"
    found = await postgres.create_database(admin_url, name)
    await migrate(found, "billing", old, password=PASSWORD, sealing_keys=SEALING_KEYS)
    yield found
    await postgres.drop_database(admin_url, name)


async def given_chart(sql: asyncpg.Connection, accounts: Mapping[str, tuple[str, str]]) -> UUID:
    tenant = new_id()
    for code, (name, type_) in accounts.items():
        await sql.execute(
            "insert into billing.accounts (tenant_id, id, code, name, type) values ($1, $2, $3, $4, $5)",
            tenant, new_id(), code, name, type_,
        )  # fmt: skip
    return tenant


async def chart_of(sql: asyncpg.Connection, tenant: UUID) -> dict[str, tuple[str, str]]:
    rows = await sql.fetch("select code, name, type from billing.accounts where tenant_id = $1", tenant)
    return {row["code"]: (row["name"], row["type"]) for row in rows}


async def test_a_company_of_before_has_the_chart_of_a_new_one_and_keeps_what_is_its_own(url: str):
    sql = await asyncpg.connect(url)
    own = {"2330": ("Our pension fund", "liability")}
    usual, named = await given_chart(sql, BEFORE), await given_chart(sql, BEFORE | own)
    bare = await given_chart(sql, {"100": ("Kasse", "asset")})

    assert await migrate(url, "billing", SERVICE.migrations, password=PASSWORD, sealing_keys=SEALING_KEYS)

    assert await chart_of(sql, usual) == SEEDS
    assert await chart_of(sql, named) == SEEDS | own
    assert await chart_of(sql, bare) == {"100": ("Kasse", "asset")}
    await sql.close()


def test_every_role_of_the_contract_has_an_account_of_its_own_in_the_chart():
    assert tuple(sorted(ACCOUNTS)) == tuple(sorted(ROLES))
    assert len(set(ACCOUNTS.values())) == len(ROLES)
    expenses = {"wages", "employer_contribution", "contractor", "expense"}
    assert {role: SEEDS[code][1] for role, code in ACCOUNTS.items()} == {
        role: "expense" if role in expenses else "liability" for role in ROLES
    }
