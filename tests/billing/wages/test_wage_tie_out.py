"""The tie-out compares what payroll told with the accounts, and finds what was tampered with in either."""

from typing import Any

import asyncpg
import httpx
import pytest

from shared.context.ctx import TenantFacts
from tests.billing.given import assert_tied_out
from tests.billing.wages.given import approved, paid, posting_of, remitted, reversed_run, told
from tests.kit.suite import Suite

CHECK = "wages_against_accounts"


async def tampered(suite: Suite, tenant: TenantFacts, *damages: str) -> None:
    """Only a superuser who switches triggers and constraints off gets this far."""
    sql = await asyncpg.connect(suite.url)
    try:
        await sql.execute("set session_replication_role = replica; set search_path = billing")
        for damage in damages:
            assert await sql.execute(damage, tenant.id) not in ("UPDATE 0", "DELETE 0")
    finally:
        await sql.close()


async def differences(billing: httpx.AsyncClient) -> list[tuple[str, str, str, str]]:
    found: dict[str, Any] = (await billing.get("/v1/reports/tie-out")).json()
    assert CHECK in found["checks"]
    return [
        (d["check"], d["subject"], d["expected"]["amount"], d["found"]["amount"])
        for d in found["differences"]
    ]


async def given_runs(suite: Suite, tenant: TenantFacts) -> None:
    """One posted, one paid, one paid and reversed, one waiting; two remittances."""
    posted, settled, undone, waiting = (approved(number=f"PR-{n}") for n in range(4))
    for event in (
        posted, settled, paid(settled), undone, paid(undone), reversed_run(undone), paid(waiting),
        remitted(), remitted("social", "1000.00"),
    ):  # fmt: skip
        await told(suite, tenant, event)


async def test_it_is_clean_whatever_payroll_told(
    suite: Suite, tenant: TenantFacts, stranger: TenantFacts, billing: httpx.AsyncClient
):
    await given_runs(suite, tenant)
    await told(suite, tenant, approved(currency="USD"))
    await told(suite, stranger, approved())

    await assert_tied_out(suite, tenant, billing)


async def test_entries_that_people_make_on_these_accounts_are_no_difference(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    """Liabilities from before, taken over by hand."""
    await given_runs(suite, tenant)
    amount = {"amount": "70.00", "currency": "GBP"}
    lines = [{"account": "3100", "debit": amount}, {"account": "2310", "credit": amount}]
    body = {"effective_on": "2026-01-01", "memo": "Opening", "lines": lines}
    assert (await billing.post("/v1/journal-entries", json=body)).status_code == 201

    await assert_tied_out(suite, tenant, billing)


DAMAGES = [
    (
        ["update wage_posting_lines set credit_minor = credit_minor - 1 where tenant_id = $1 and role = 'withholding' "
         "and run_id = (select id from wage_postings where tenant_id = $1 and number = 'PR-0')"],
        {("2310", "-899.99", "-900.00")},
    ),
    (
        ["update wage_posting_lines set cleared_minor = 0 where tenant_id = $1 and cleared_minor > 0 "
         "and run_id = (select id from wage_postings where tenant_id = $1 and number = 'PR-1')"],
        {("2300", "-3350.00", "0.00")},
    ),
    (
        ["update wage_remittances set amount_minor = amount_minor + 1 where tenant_id = $1 and role = 'social'"],
        {("2320", "-1199.99", "-1200.00")},
    ),
    (
        ["delete from wage_remittances where tenant_id = $1 and role = 'social'"],
        {("2320", "-2200.00", "-1200.00")},
    ),
    (
        ["delete from wage_postings where tenant_id = $1 and number = 'PR-2'"],
        {("2300", "-3350.00", "0.00")},
    ),
    (
        ["update postings set amount_minor = amount_minor + 5 where tenant_id = $1 and account = '6100' and line = 4 "
         "and entry_id = (select entry_id from wage_postings where tenant_id = $1 and number = 'PR-0')",
         "update postings set amount_minor = amount_minor - 5 where tenant_id = $1 and account = '2330' and line = 8 "
         "and entry_id = (select entry_id from wage_postings where tenant_id = $1 and number = 'PR-0')"],
        {("6100", "1000.00", "1000.05"), ("2330", "-300.00", "-300.05")},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("damages", "expected"), DAMAGES, ids=[f"damage {n}" for n in range(len(DAMAGES))])
async def test_it_finds_a_row_that_was_tampered_with(
    suite: Suite,
    tenant: TenantFacts,
    billing: httpx.AsyncClient,
    damages: list[str],
    expected: set[tuple[str, str, str]],
):
    await given_runs(suite, tenant)

    await tampered(suite, tenant, *damages)

    found = await differences(billing)
    assert {(account, told_, posted) for check, account, told_, posted in found if check == CHECK} == expected


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("update wage_posting_lines set debit_minor = 1 where tenant_id = $1", "permission denied"),
        ("delete from wage_facts where tenant_id = $1", "permission denied"),
        ("update wage_facts set facts = '{}' where tenant_id = $1", "permission denied"),
        ("update wage_remittances set amount_minor = 1 where tenant_id = $1", "permission denied"),
        (
            "update wage_posting_lines set cleared_minor = 5 where tenant_id = $1",
            "wage_posting_lines_cleared",
        ),
        ("update wage_postings set state = 'paid' where tenant_id = $1", "wage_postings_paid"),
        ("update wage_postings set state = 'waiting' where tenant_id = $1", "wage_postings_waiting"),
        ("update wage_postings set reversed_on = pay_on where tenant_id = $1", "wage_postings_reversed"),
    ],
)
async def test_the_program_itself_cannot_do_that(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, statement: str, refusal: str
):
    run = approved()
    await told(suite, tenant, run)
    await told(suite, tenant, remitted())

    with pytest.raises(asyncpg.PostgresError, match=refusal):
        async with suite["billing"].app_db.transaction(tenant.id) as tx:
            await tx.sql.execute(statement, tenant.id)

    assert (await posting_of(billing, run))["state"] == "posted"
