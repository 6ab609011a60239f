"""A service that was taken over hands invented rows to the functions that keep the books of all."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.billing.service import SERVICE as BILLING
from shared.database.rls import app_role, worker_role
from tests.billing.ledger.books import given_entry
from tests.kit import postgres
from tests.kit.suite import PASSWORD, migrate_all, running_suite

TOTALS = (
    "select account, month, currency, debit_minor, credit_minor from billing.account_months order by 1, 2, 3"
)
GUARDED = r"\n  if tg_relid <> .*?end if;\n"


@dataclass
class Books:
    """The database of billing, and a company of which the attacker knows an entry."""

    url: str
    admin: asyncpg.Connection
    tenant_id: UUID
    entry_id: UUID

    async def let_make_tables(self, role: str) -> None:
        """Take the first wall away."""
        name = await self.admin.fetchval("select quote_ident(current_database())")
        await self.admin.execute(f"grant temporary on database {name} to {role}")

    async def let_call(self, role: str) -> None:
        """Take the second one away."""
        await self.admin.execute(f"grant execute on function billing.ledger_postings_recorded() to {role}")

    async def totals(self) -> list[tuple[object, ...]]:
        """What the month totals of all companies say."""
        return [tuple(row) for row in await self.admin.fetch(TOTALS)]

    async def attacked_by(self, role: str) -> str:
        """The entry's lines once more, by the ledger's function on a table of the attacker's; the refusal's text."""
        sql = await asyncpg.connect(self.url, user=role, password=PASSWORD(role))
        try:
            await sql.execute(
                "create temporary table lines_of_mine (tenant_id uuid, entry_id uuid, line int, account text, "
                "amount_minor bigint, currency text, open_item_id uuid, dimensions jsonb); "
                "create trigger recorded after insert on lines_of_mine referencing new table as lines "
                "for each statement execute function billing.ledger_postings_recorded();"
            )
            await sql.executemany(
                "insert into lines_of_mine select $1::uuid, $2::uuid, l.* "
                "from (values (1, '1000', 10000, 'GBP'), (2, '4000', -10000, 'GBP')) as l",
                [(self.tenant_id, self.entry_id)],
            )
        except asyncpg.InsufficientPrivilegeError as refused:
            return str(refused)
        finally:
            await sql.close()
        return ""


@pytest.fixture
async def books(admin_url: str) -> AsyncIterator[Books]:
    name = f"books_{uuid4().hex}"
    url = await postgres.create_database(admin_url, name)
    await migrate_all(url, [BILLING])
    async with running_suite(url, [BILLING]) as suite:
        tenant = await suite.new_tenant()
        entry = await given_entry(suite.client("billing", tenant), 10_000)
    admin = await asyncpg.connect(url)
    yield Books(url, admin, tenant.id, UUID(entry["id"]))
    await admin.close()
    await postgres.drop_database(admin_url, name)


@pytest.mark.parametrize("role", [app_role("billing"), worker_role("billing")])
async def test_month_totals_of_another_company_stay_whichever_wall_has_fallen(books: Books, role: str):
    before = await books.totals()

    as_it_is = await books.attacked_by(role)
    await books.let_make_tables(role)
    with_tables = await books.attacked_by(role)
    await books.let_call(role)
    with_functions = await books.attacked_by(role)

    assert "permission denied to create temporary tables" in as_it_is
    assert "permission denied for function billing.ledger_postings_recorded" in with_tables
    assert with_functions == "ledger_postings_recorded serves billing.postings only"
    assert await books.totals() == before


async def test_without_all_three_walls_the_totals_would_change(books: Books):
    """So that the test above is known to try the attack, and not something that fails anyway."""
    before, role = await books.totals(), app_role("billing")
    await books.let_make_tables(role)
    await books.let_call(role)
    text = await books.admin.fetchval(
        "select regexp_replace(pg_get_functiondef('billing.ledger_postings_recorded()'::regprocedure), $1, E'\\n')",
        GUARDED,
    )
    await books.admin.execute(text)

    assert await books.attacked_by(role) == ""
    assert await books.totals() != before
