"""Open items and allocations: the sub-ledger that always equals its control account."""

import asyncio
from collections.abc import Awaitable
from datetime import date, timedelta
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from services.billing.ledger import actions
from services.billing.ledger.rules import Allocation, AlreadyReversed
from shared.context.batch import Batch
from shared.context.ctx import TenantFacts
from shared.values.faults import NotFound
from tests.billing.ledger.books import (
    BANK,
    DAY,
    NO_DOCUMENTS,
    RECEIVABLE,
    SALES,
    assert_ties_out,
    gbp,
    given_ctx,
    given_document,
    open_of,
    plain_sql,
    trial_balance,
)
from tests.kit.suite import Suite


async def allocate(suite: Suite, tenant: TenantFacts, payment: UUID, invoice: UUID, minor: int) -> list[int]:
    async with given_ctx(suite, tenant) as ctx:
        left = await actions.allocate(ctx, from_item=payment, to_item=invoice, amount=gbp(minor))
    return [money.minor for money in left]


async def test_a_payment_settles_an_invoice_in_parts(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    party = uuid4()
    invoice = await given_document(suite, tenant, 12_000, party_id=party)
    payment = await given_document(suite, tenant, -10_000, kind="payment", party_id=party)

    first = await allocate(suite, tenant, payment, invoice, 4_000)
    second = await allocate(suite, tenant, payment, invoice, 6_000)

    assert (first, second) == ([-6_000, 8_000], [0, 2_000])
    assert await trial_balance(billing) == {BANK: "100.00", RECEIVABLE: "20.00", SALES: "-120.00"}
    await assert_ties_out(billing, but=NO_DOCUMENTS)


@pytest.mark.parametrize(
    ("minor", "code"), [(10_001, "open_item_exceeded"), (12_001, "open_item_exceeded"), (0, None), (-5, None)]
)
async def test_never_more_is_allocated_than_is_open_of_either(
    suite: Suite, tenant: TenantFacts, minor: int, code: str | None
):
    party = uuid4()
    invoice = await given_document(suite, tenant, 12_000, party_id=party)
    payment = await given_document(suite, tenant, -10_000, kind="payment", party_id=party)

    with pytest.raises(asyncpg.PostgresError) as refused:
        await allocate(suite, tenant, payment, invoice, minor)

    if code:
        assert (refused.value.sqlstate, refused.value.message) == ("BO001", code)
    else:
        assert isinstance(refused.value, asyncpg.CheckViolationError)
    assert await open_of(suite, tenant, payment, invoice) == [-10_000, 12_000]


async def test_items_that_do_not_belong_together_do_not_settle(suite: Suite, tenant: TenantFacts):
    party = uuid4()
    invoice = await given_document(suite, tenant, 500, party_id=party)
    other_invoice = await given_document(suite, tenant, 500, party_id=party)
    strange_payment = await given_document(suite, tenant, -500, kind="payment")

    for from_item in (other_invoice, strange_payment):
        with pytest.raises(asyncpg.PostgresError, match="allocation_mismatch"):
            await allocate(suite, tenant, from_item, invoice, 100)
    with pytest.raises(asyncpg.CheckViolationError):
        await allocate(suite, tenant, invoice, invoice, 100)
    with pytest.raises(NotFound):
        await allocate(suite, tenant, uuid4(), invoice, 100)

    assert await open_of(suite, tenant, invoice, other_invoice, strange_payment) == [500, 500, -500]


async def test_several_allocations_are_made_all_or_none(suite: Suite, tenant: TenantFacts):
    party = uuid4()
    invoices = [await given_document(suite, tenant, 100, party_id=party) for _ in range(3)]
    payment = await given_document(suite, tenant, -250, kind="payment", party_id=party)

    with pytest.raises(asyncpg.PostgresError, match="open_item_exceeded"):
        async with given_ctx(suite, tenant) as ctx:
            await actions.allocate_all(Batch([(ctx, Allocation(payment, i, gbp(100))) for i in invoices]))
    async with given_ctx(suite, tenant) as ctx:
        made_on = await actions.allocate_all(
            Batch(
                [(ctx, Allocation(payment, i, gbp(m))) for i, m in zip(invoices, (100, 100, 50), strict=True)]
            )
        )

    assert set(made_on) == {(payment, invoice) for invoice in invoices}
    assert await open_of(suite, tenant, payment, *invoices) == [0, 0, 0, 50]


async def test_an_allocation_is_taken_back_once(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    party = uuid4()
    invoice = await given_document(suite, tenant, 500, party_id=party)
    payment = await given_document(suite, tenant, -300, kind="payment", party_id=party)
    await allocate(suite, tenant, payment, invoice, 300)
    async with plain_sql(suite, tenant) as sql:
        allocation = await sql.fetchval("select id from allocations where from_item = $1", payment)

    async def undo(allocation_id: UUID) -> None:
        async with given_ctx(suite, tenant) as ctx:
            await actions.undo_allocation(ctx, allocation_id)

    await undo(allocation)
    with pytest.raises(AlreadyReversed):
        await undo(allocation)
    with pytest.raises(NotFound):
        await undo(uuid4())

    assert await open_of(suite, tenant, payment, invoice) == [-300, 500]
    await assert_ties_out(billing, but=NO_DOCUMENTS)
    await allocate(suite, tenant, payment, invoice, 300)
    assert await open_of(suite, tenant, payment, invoice) == [0, 200]


async def test_a_document_is_reversed_only_while_nothing_is_settled(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    party = uuid4()
    free = await given_document(suite, tenant, 500, party_id=party)
    settled = await given_document(suite, tenant, 500, party_id=party)
    payment = await given_document(suite, tenant, -1, kind="payment", party_id=party)
    await allocate(suite, tenant, payment, settled, 1)

    async def reverse(item: UUID) -> None:
        async with given_ctx(suite, tenant) as ctx:
            entry = await ctx.sql.fetchval("select entry_id from open_items where id = $1", item)
            await actions.reverse_entry(ctx, entry, effective_on=DAY, memo="void")

    await reverse(free)
    with pytest.raises(asyncpg.PostgresError, match="open_item_exceeded"):
        await reverse(settled)

    assert await open_of(suite, tenant, free, settled, payment) == [0, 499, 0]
    await assert_ties_out(billing, but=NO_DOCUMENTS)


async def test_an_allocation_counts_from_the_day_both_documents_exist(suite: Suite, tenant: TenantFacts):
    party = uuid4()
    payment = await given_document(suite, tenant, -500, kind="payment", party_id=party)
    invoice = await given_document(suite, tenant, 500, party_id=party, on=DAY + timedelta(5))

    async with given_ctx(suite, tenant) as ctx:
        await actions.allocate(
            ctx, from_item=payment, to_item=invoice, amount=gbp(1), allocated_on=date(2020, 1, 1)
        )

    async with plain_sql(suite, tenant) as sql:
        assert await sql.fetchval("select allocated_on from allocations") == DAY + timedelta(5)
        with pytest.raises(asyncpg.PostgresError, match="allocation_mismatch"):
            await sql.execute(
                "insert into allocations (tenant_id, id, from_item, to_item, amount_minor, currency, allocated_on, "
                "actor_id) values ($1, $2, $3, $4, 1, 'GBP', $5, 'x')",
                tenant.id,
                uuid4(),
                payment,
                invoice,
                DAY,
            )
        await sql.execute("rollback; begin")


async def test_concurrent_allocations_never_overdraw_nor_deadlock(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    party = uuid4()
    invoices = [await given_document(suite, tenant, 1_000, party_id=party) for _ in range(3)]
    payments = [await given_document(suite, tenant, -1_000, kind="payment", party_id=party) for _ in range(3)]

    def attempt(n: int) -> Awaitable[list[int]]:
        return allocate(suite, tenant, payments[n % 3], invoices[(n // 3) % 3], 150)

    outcomes = await asyncio.gather(*(attempt(n) for n in range(54)), return_exceptions=True)

    refused = [o for o in outcomes if isinstance(o, BaseException)]
    assert {getattr(o, "message", repr(o)) for o in refused} <= {"open_item_exceeded"}
    left = await open_of(suite, tenant, *payments, *invoices)
    made = len(outcomes) - len(refused)
    assert sum(left[3:]) == 3_000 - 150 * made == -sum(left[:3])
    assert made >= 16
    assert all(0 <= o <= 1_000 for o in left[3:])
    await assert_ties_out(billing, but=NO_DOCUMENTS)
