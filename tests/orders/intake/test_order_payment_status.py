"""What billing's facts say of an order, in whatever order they arrive and however often."""

import itertools
from datetime import date
from typing import Any
from uuid import UUID

import httpx
import pytest

from shared.base.telemetry import new_traceparent
from shared.bus.transport import Delivery
from shared.context.ctx import TenantFacts
from shared.contracts.billing import (
    AllocatedInvoice,
    CreditNoteFinalized,
    InvoiceFinalized,
    InvoicePaid,
    InvoiceVoided,
    PaymentRecorded,
    PaymentReversed,
    SourceRefs,
    WriteOffRecorded,
    WriteOffReversed,
)
from shared.contracts.event import Event, envelope
from shared.values import clock
from shared.values.ids import new_id
from shared.values.money import Money
from tests.kit.suite import Suite
from tests.orders.given import given_confirmed, given_product

DAY = date(2026, 3, 1)


class Billing:
    """Tells the orders service what billing would."""

    def __init__(self, suite: Suite, tenant: TenantFacts, order: dict[str, Any]) -> None:
        self.suite, self.tenant = suite, tenant
        self.refs = SourceRefs(order_id=UUID(order["id"]))
        self.customer_id = UUID(order["customer_id"])

    async def tell(self, event: Event, *, times: int = 2) -> None:
        made = envelope(
            event,
            id=new_id(),
            source="billing",
            subject=str(new_id()),
            time=clock.utc_now(),
            tenant_id=self.tenant.id,
            version=1,
            ordering_key=f"{event.aggregate()}:{new_id()}",
            actor_id="billing",
            causation_id=None,
            correlation_id=None,
            traceparent=new_traceparent(),
        )
        for _ in range(times):
            await self.suite["orders"].inbox.deliver(
                Delivery(text=made.text, ordering_key=made.ordering_key, redelivered=False)
            )

    def invoice(self, invoice_id: UUID, gross: int) -> InvoiceFinalized:
        return InvoiceFinalized(
            invoice_id=invoice_id, number="INV", customer_id=self.customer_id, currency="GBP",
            net=Money(gross, "GBP"), tax=Money(0, "GBP"), gross=Money(gross, "GBP"), issued_on=DAY, due_on=DAY,
            source_refs=self.refs,
        )  # fmt: skip

    def part(self, invoice_id: UUID, amount: int) -> AllocatedInvoice:
        return AllocatedInvoice(
            invoice_id=invoice_id, amount=Money(amount, "GBP"), open=Money(0, "GBP"), payment_status="part_paid",
            source_refs=self.refs,
        )  # fmt: skip

    def payment(self, invoice_id: UUID, amount: int) -> PaymentRecorded:
        return PaymentRecorded(
            payment_id=new_id(), customer_id=self.customer_id, amount=Money(amount, "GBP"),
            unallocated=Money(0, "GBP"), received_on=DAY, allocations=[self.part(invoice_id, amount)],
        )  # fmt: skip

    def bounced(self, invoice_id: UUID, amount: int) -> PaymentReversed:
        return PaymentReversed(
            payment_id=new_id(), customer_id=self.customer_id, amount=Money(amount, "GBP"), reason="Bounced",
            effective_on=DAY, allocations=[self.part(invoice_id, amount)],
        )  # fmt: skip

    def given_up(self, invoice_id: UUID, amount: int, kind: str) -> WriteOffRecorded:
        return WriteOffRecorded(
            write_off_id=new_id(), customer_id=self.customer_id, kind=kind, amount=Money(amount, "GBP"),
            tax=Money(0, "GBP"), effective_on=DAY, allocations=[self.part(invoice_id, amount)],
        )  # fmt: skip

    def recovered(self, invoice_id: UUID, amount: int, kind: str) -> WriteOffReversed:
        return WriteOffReversed(
            write_off_id=new_id(), customer_id=self.customer_id, kind=kind, amount=Money(amount, "GBP"),
            effective_on=DAY, allocations=[self.part(invoice_id, amount)],
        )  # fmt: skip

    def void(self, invoice_id: UUID, gross: int) -> InvoiceVoided:
        return InvoiceVoided(
            invoice_id=invoice_id, number="INV", customer_id=self.customer_id, gross=Money(gross, "GBP"),
            source_refs=self.refs,
        )  # fmt: skip

    def credit(self, invoice_id: UUID, amount: int) -> CreditNoteFinalized:
        return CreditNoteFinalized(
            credit_note_id=new_id(), number="CN", invoice_id=invoice_id, customer_id=self.customer_id,
            net=Money(amount, "GBP"), tax=Money(0, "GBP"), gross=Money(amount, "GBP"), issued_on=DAY,
            allocations=[self.part(invoice_id, amount)], source_refs=self.refs,
        )  # fmt: skip


async def status(orders: httpx.AsyncClient, order: dict[str, Any]) -> str:
    return (await orders.get(f"/v1/orders/{order['id']}")).json()["payment_status"]


async def given_order_of_twelve(orders: httpx.AsyncClient) -> dict[str, Any]:
    """Two units of 6.00 gross each."""
    product = await given_product(orders, price="5.00", stock=10)
    return await given_confirmed(orders, {product["sku"]: 2})


@pytest.mark.parametrize("turn", range(6))
async def test_facts_in_any_order_and_told_twice_end_in_paid(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient, turn: int
):
    order = await given_order_of_twelve(orders)
    billing, invoice = Billing(suite, tenant, order), new_id()
    facts = [billing.invoice(invoice, 1200), billing.payment(invoice, 500), billing.payment(invoice, 700)]

    for fact in list(itertools.permutations(facts))[turn]:
        assert await status(orders, order) != "paid"
        await billing.tell(fact)

    assert await status(orders, order) == "paid"


async def test_an_invoice_for_somebody_else_says_nothing_of_an_order(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    order = await given_order_of_twelve(orders)
    billing, own, strange = Billing(suite, tenant, order), new_id(), new_id()
    other = Billing(suite, tenant, order | {"customer_id": str(new_id())})
    for fact in (other.invoice(strange, 10_000), other.payment(strange, 1), billing.invoice(own, 1200)):
        await billing.tell(fact)
    assert await status(orders, order) == "unpaid"

    await billing.tell(billing.payment(own, 1200))

    assert await status(orders, order) == "paid"


async def test_part_payment_void_and_credit_are_told_apart(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    order = await given_order_of_twelve(orders)
    billing, first, second = Billing(suite, tenant, order), new_id(), new_id()
    await billing.tell(billing.invoice(first, 1200))
    assert await status(orders, order) == "unpaid"
    await billing.tell(billing.void(first, 1200))
    await billing.tell(billing.invoice(second, 1200))
    await billing.tell(billing.payment(second, 1000))
    assert await status(orders, order) == "part_paid"

    await billing.tell(billing.credit(second, 200))

    assert await status(orders, order) == "paid"


@pytest.mark.parametrize("turn", range(24))
async def test_a_bounced_payment_leaves_what_is_left_in_whatever_order_it_is_told(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient, turn: int
):
    order = await given_order_of_twelve(orders)
    billing, invoice = Billing(suite, tenant, order), new_id()
    facts = [
        billing.invoice(invoice, 1200), billing.payment(invoice, 1200), billing.bounced(invoice, 1200),
        billing.payment(invoice, 700),
    ]  # fmt: skip

    for fact in list(itertools.permutations(facts))[turn]:
        await billing.tell(fact)

    assert await status(orders, order) == "part_paid"


async def test_what_was_credited_or_given_up_is_no_payment(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    order = await given_order_of_twelve(orders)
    billing, first, second = Billing(suite, tenant, order), new_id(), new_id()
    await billing.tell(billing.invoice(first, 600))
    await billing.tell(billing.invoice(second, 600))

    await billing.tell(billing.credit(first, 600))
    assert await status(orders, order) == "unpaid"
    await billing.tell(billing.given_up(second, 600, "cash_discount"))
    assert await status(orders, order) == "credited"
    await billing.tell(billing.recovered(second, 600, "cash_discount"))
    assert await status(orders, order) == "unpaid"
    await billing.tell(billing.payment(second, 588))
    assert await status(orders, order) == "part_paid"
    await billing.tell(billing.given_up(second, 12, "bad_debt"))
    assert await status(orders, order) == "part_paid"
    await billing.tell(billing.recovered(second, 12, "bad_debt"))
    await billing.tell(billing.given_up(second, 12, "bank_fee"))

    assert await status(orders, order) == "paid"


async def test_an_order_that_was_paid_and_then_taken_back_as_a_whole_is_credited(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    order = await given_order_of_twelve(orders)
    billing, invoice = Billing(suite, tenant, order), new_id()
    await billing.tell(billing.invoice(invoice, 1200))
    await billing.tell(billing.payment(invoice, 1200))
    assert await status(orders, order) == "paid"

    note = billing.credit(invoice, 1200)
    await billing.tell(note.model_copy(update={"allocations": []}))

    assert await status(orders, order) == "credited"


async def test_that_an_invoice_is_paid_changes_nothing_which_its_payments_have_not_said(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    """A payment may have been taken back meanwhile, under another ordering key."""
    order = await given_order_of_twelve(orders)
    billing, invoice = Billing(suite, tenant, order), new_id()
    for fact in (
        billing.invoice(invoice, 1200),
        billing.payment(invoice, 1200),
        billing.bounced(invoice, 1200),
    ):
        await billing.tell(fact)

    await billing.tell(
        InvoicePaid(
            invoice_id=invoice, number="INV", customer_id=billing.customer_id, gross=Money(1200, "GBP"),
            paid_on=DAY, source_refs=billing.refs,
        )
    )  # fmt: skip

    assert await status(orders, order) == "unpaid"


async def test_an_invoice_of_no_order_of_ours_says_nothing(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    order = await given_order_of_twelve(orders)
    billing = Billing(suite, tenant, order)
    for refs in (SourceRefs(), SourceRefs(order_id=new_id())):
        billing.refs = refs
        await billing.tell(billing.invoice(new_id(), 1200))

    assert (await orders.get(f"/v1/orders/{order['id']}")).json() == order
    async with suite["orders"].worker_db.transaction(None) as tx:
        held = await tx.sql.fetchval(
            "select count(*) from inbox where tenant_id = $1 and state <> 'done'", tenant.id
        )
    assert held == 0
