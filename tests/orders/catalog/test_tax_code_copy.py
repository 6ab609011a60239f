"""The copy of billing's tax codes: seeded with the tenant, kept by events in any order."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import httpx

from services.orders.catalog import queries
from services.orders.catalog.consumers import on_tax_code_changed
from services.orders.catalog.rules import TaxCodeRow
from shared.context.ctx import Ctx, TenantFacts
from shared.contracts.billing import TaxCodeChanged
from shared.values.ids import new_id
from shared.values.tax_codes import tax_code_id, tax_codes_for
from tests.kit.suite import Suite
from tests.orders.given import given_ctx, given_product

TODAY = date(2026, 11, 20)


async def the_code(ctx: Ctx, code: str, on: date = TODAY) -> TaxCodeRow | None:
    return (await queries.find_tax_codes(ctx, [code], on=on)).get(code)


def a_change(code: str, rate: str, *, version: int, code_id: UUID | None = None, **facts) -> TaxCodeChanged:
    values = {"name": code, "category": "S", "valid_from": date(2020, 1, 1)} | facts
    return TaxCodeChanged(
        tax_code_id=code_id or new_id(), code=code, rate=Decimal(rate), version=version, **values
    )


async def test_a_tenant_starts_with_its_country_s_codes_however_often_it_is_provisioned(
    suite: Suite, tenant: TenantFacts
):
    await suite.provision(tenant)
    await suite.provision(tenant)

    async with given_ctx(suite, tenant) as ctx:
        rows = await ctx.sql.fetch(
            "select id, code, rate, version from tax_codes where tenant_id = $1", tenant.id
        )
    expected = {
        (tax_code_id(tenant.id, s.code, s.valid_from), s.code, s.rate, 1) for s in tax_codes_for("GB")
    }
    assert {tuple(row) for row in rows} == expected
    assert len(rows) == 4


async def test_provisioning_again_keeps_what_billing_changed(suite: Suite, tenant: TenantFacts):
    seed = tax_codes_for("GB")[0]
    seed_id = tax_code_id(tenant.id, seed.code, seed.valid_from)
    changed = a_change(seed.code, "21", version=2, code_id=seed_id, valid_from=seed.valid_from)
    async with given_ctx(suite, tenant) as ctx:
        await on_tax_code_changed(ctx, changed)

    await suite.provision(tenant)

    async with given_ctx(suite, tenant) as ctx:
        assert (await the_code(ctx, "standard")).rate == 21


async def test_a_change_told_twice_or_late_has_no_second_effect(suite: Suite, tenant: TenantFacts):
    first = a_change("luxury", "30", version=1)
    second = a_change("luxury", "33", version=2, code_id=first.tax_code_id)
    third = a_change("luxury", "35", version=3, code_id=first.tax_code_id)

    async with given_ctx(suite, tenant) as ctx:
        for event in (second, second, first):
            await on_tax_code_changed(ctx, event)
        assert (await the_code(ctx, "luxury")).rate == 33
        for event in (third, first, second, third):
            await on_tax_code_changed(ctx, event)
        assert (await the_code(ctx, "luxury")).rate == 35
        assert await ctx.sql.fetchval("select count(*) from tax_codes where code = 'luxury'") == 1


async def test_billing_s_event_reaches_the_copy_and_products_may_use_it(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    event = a_change("luxury", "30", version=1)
    async with suite.work("billing", tenant) as ctx:
        ctx.emit(event, subject=event.tax_code_id, version=1)
    await suite.settled()

    product = await given_product(orders, "YACHT", tax_code="luxury")

    assert product["tax_code"] == "luxury"


async def test_the_row_of_the_day_counts(suite: Suite, tenant: TenantFacts):
    rows = (
        a_change("luxury", "10", version=1, valid_from=date(2010, 1, 1), valid_to=date(2014, 12, 31)),
        a_change("luxury", "20", version=1, valid_from=date(2015, 1, 1)),
        a_change("luxury", "30", version=1, valid_from=date(2025, 7, 1)),
        a_change("gone", "5", version=1, valid_from=date(2010, 1, 1), valid_to=date(2014, 12, 31)),
    )

    async with given_ctx(suite, tenant) as ctx:
        for row in rows:
            await on_tax_code_changed(ctx, row)
        rates = {
            day: (await the_code(ctx, "luxury", date.fromisoformat(day))).rate
            for day in ("1999-05-05", "2010-01-01", "2014-12-31", "2015-01-01", "2025-06-30", "2025-07-01")
        }
        gone = await the_code(ctx, "gone", date(2015, 1, 1))

    assert [int(rate) for rate in rates.values()] == [10, 10, 10, 20, 20, 30]
    assert gone is None


async def test_an_end_and_its_successor_arrive_in_any_order(suite: Suite, tenant: TenantFacts):
    """Their order is kept per tax code only; meanwhile both hold, and the later one counts."""
    first = a_change("luxury", "10", version=1, valid_from=date(2010, 1, 1))
    end = a_change(
        "luxury", "10", version=2, code_id=first.tax_code_id,
        valid_from=date(2010, 1, 1), valid_to=date(2025, 6, 30),
    )  # fmt: skip
    successor = a_change("luxury", "30", version=1, valid_from=date(2025, 7, 1))

    async with given_ctx(suite, tenant) as ctx:
        for event in (first, successor):
            await on_tax_code_changed(ctx, event)
        before = [(await the_code(ctx, "luxury", day)).rate for day in (date(2025, 6, 30), date(2025, 7, 1))]
        await on_tax_code_changed(ctx, end)
        after = [(await the_code(ctx, "luxury", day)).rate for day in (date(2025, 6, 30), date(2025, 7, 1))]

    assert before == after == [10, 30]


async def test_a_rate_that_follows_another_reaches_the_copy_with_the_end_of_the_first(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    for rate, start in (("5", "2020-01-01"), ("7.5", "2026-03-01")):
        body = {"code": "books", "name": "Books", "rate": rate, "valid_from": start}
        assert (await billing.post("/v1/tax-codes", json=body)).status_code == 201
    await suite.settled()

    async with given_ctx(suite, tenant) as ctx:
        rows = await ctx.sql.fetch(
            "select rate, valid_to from tax_codes where tenant_id = $1 and code = 'books' order by valid_from",
            tenant.id,
        )
    assert [tuple(row) for row in rows] == [(5, date(2026, 2, 28)), (Decimal("7.5"), None)]


async def test_a_product_whose_tax_code_has_ended_shows_none(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    ended = a_change("gone", "5", version=1, valid_from=date(2010, 1, 1), valid_to=date(2014, 12, 31))
    async with given_ctx(suite, tenant) as ctx:
        await on_tax_code_changed(ctx, ended)
    await given_product(orders, "A", tax_code="gone")

    async with given_ctx(suite, tenant) as ctx:
        then = await queries.find_priced_products(ctx, ["A"], date(2012, 1, 1))
        now = await queries.find_priced_products(ctx, ["A"], TODAY)

    assert then["A"].tax.rate == 5
    assert now["A"].tax is None
