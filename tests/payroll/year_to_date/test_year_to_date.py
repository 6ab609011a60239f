"""The year to date: a ledger that only grows, seen by few."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import asyncpg
import httpx
import pytest

from services.payroll.year_to_date.actions import record
from services.payroll.year_to_date.queries import find_totals
from services.payroll.year_to_date.rules import LedgerEntry, SourceKind, opening_differences
from shared.context.ctx import TenantFacts
from shared.values.ids import new_id
from tests.kit.suite import Suite
from tests.payroll.given import DECLARED, changed, given_payee, money


async def shown(payroll: httpx.AsyncClient, payee_id: str, tax_year: int) -> dict[str, tuple[str, str]]:
    answer = await payroll.get(f"/v1/payees/{payee_id}/year-to-date?tax_year={tax_year}")
    assert answer.status_code == 200, answer.text
    return {m["measure"]: (m["opening"]["amount"], m["total"]["amount"]) for m in answer.json()["measures"]}


async def test_opening_figures_are_stated_measure_by_measure_and_stated_anew(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    payee = await given_payee(suite, tenant)
    first = {"tax_year": 2025, "gross": money("12000.00"), "tax": money("1800.00")}

    await changed(payroll, payee, pack="uk", declarations=DECLARED, year_to_date=first)
    await changed(payroll, payee, year_to_date={"tax_year": 2025, "gross": money("12500.50")})
    await changed(payroll, payee, year_to_date={"tax_year": 2026, "gross": money("1.00")})

    assert await shown(payroll, payee["id"], 2025) == {
        "gross": ("12500.50", "12500.50"),
        "tax": ("1800.00", "1800.00"),
    }
    assert await shown(payroll, payee["id"], 2026) == {"gross": ("1.00", "1.00")}


async def test_without_a_tax_year_it_is_that_of_the_day_from_which_the_change_holds(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    payee = await given_payee(suite, tenant)

    opening = {"gross": money("9.00")}
    await changed(payroll, payee, pack="uk", effective_on="2026-04-05", year_to_date=opening)

    assert await shown(payroll, payee["id"], 2025) == {"gross": ("9.00", "9.00")}


async def test_a_source_is_recorded_once_and_a_run_of_an_earlier_day_does_not_see_it(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    payee, run_id = await given_payee(suite, tenant), new_id()
    payee_id = UUID(payee["id"])
    opening = {"tax_year": 2026, "gross": money("100.00")}
    await changed(payroll, payee, pack="uk", declarations=DECLARED, year_to_date=opening)
    entry = LedgerEntry(payee_id, 2026, "gross", Decimal("50.25"), date(2026, 5, 29))

    for _ in range(2):
        async with suite.work("payroll", tenant) as ctx:
            await record(ctx, [entry], source_kind=SourceKind.RUN, source_id=run_id)
    async with suite.work("payroll", tenant) as ctx:
        totals = [
            (await find_totals(ctx, [payee_id], tax_year=2026, until=day)).get(payee_id)
            for day in (date(2026, 4, 6), date(2026, 5, 28), date(2026, 5, 29))
        ]
        other = await find_totals(ctx, [payee_id], tax_year=2025, until=date(2026, 12, 31))

    assert totals == [{"gross": Decimal("100.00")}] * 2 + [{"gross": Decimal("150.25")}]
    assert other == {}
    assert await shown(payroll, payee["id"], 2026) == {"gross": ("100.00", "150.25")}


async def test_a_reversal_takes_back_what_its_run_has_added(suite: Suite, tenant: TenantFacts):
    payee, run_id = await given_payee(suite, tenant), new_id()
    payee_id = UUID(payee["id"])

    async with suite.work("payroll", tenant) as ctx:
        for kind, amount in ((SourceKind.RUN, "50.00"), (SourceKind.REVERSAL, "-50.00")):
            entry = LedgerEntry(payee_id, 2026, "gross", Decimal(amount), date(2026, 5, 29))
            await record(ctx, [entry], source_kind=kind, source_id=run_id)
        totals = await find_totals(ctx, [payee_id], tax_year=2026, until=date(2026, 6, 1))

    assert totals == {payee_id: {"gross": Decimal("0.00")}}


@pytest.mark.parametrize("statement", ["update year_to_date set amount = 0", "delete from year_to_date"])
async def test_no_entry_is_ever_altered(suite: Suite, tenant: TenantFacts, statement: str):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with suite.work("payroll", tenant) as ctx:
            await ctx.sql.execute(statement)


async def test_the_year_to_date_is_read_by_few_and_each_read_is_recorded(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient, clerk: httpx.AsyncClient
):
    payee = await given_payee(suite, tenant)
    await changed(payroll, payee, pack="uk")
    path = f"/v1/payees/{payee['id']}/year-to-date"

    answers = [await clerk.get(path), await payroll.get(path)]

    assert [each.status_code for each in answers] == [403, 200]
    async with suite.work("payroll", tenant) as ctx:
        audited = await ctx.sql.fetchval(
            "select count(*) from audit where subject = $1", f"year_to_date/{payee['id']}"
        )
    assert audited == 1


async def test_without_a_pack_there_is_no_tax_year(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    payee = await given_payee(suite, tenant)

    answer = await payroll.get(f"/v1/payees/{payee['id']}/year-to-date")

    assert (answer.status_code, answer.json()["code"]) == (409, "no_pack")


def test_only_what_differs_from_the_known_opening_is_added():
    known = {"gross": Decimal("10.00"), "tax": Decimal("2.00")}
    stated = {"gross": Decimal("10.00"), "tax": Decimal("1.50"), "taxable": Decimal("3.00")}

    assert opening_differences(stated, known) == {"tax": Decimal("-0.50"), "taxable": Decimal("3.00")}
