"""Payments recorded at once leave what they leave one by one: the same rows, facts and timeline."""

from uuid import UUID

import pytest

from services.billing.payments import actions, bulk
from services.billing.payments.schemas import PaymentIn
from tests.billing.given import given_customer, given_invoice, line, money
from tests.kit.footprint import footprint, work_apart, work_in_batches
from tests.kit.suite import Suite


async def left(suite: Suite, *, size: int | None) -> list[str]:
    """What four payments leave, recorded by batches of a size, or without one each by itself."""
    tenant = await suite.new_tenant()
    billing = suite.client("billing", tenant)
    customer = str(await given_customer(suite, tenant))
    small, large = [
        await given_invoice(billing, line(price), customer_id=customer) for price in ("10.00", "50.00")
    ]

    def pay(amount: str, *parts: tuple[dict[str, str], str], reference: str) -> tuple[PaymentIn]:
        allocations = [{"invoice_id": UUID(of["id"]), "amount": money(part)} for of, part in parts]
        facts = {"customer_id": customer, "amount": money(amount), "reference": reference}
        return (PaymentIn.model_validate(facts | {"allocations": allocations}),)

    payments = [
        pay("12.00", (small, "12.00"), reference="whole"),
        pay("25.00", (large, "20.00"), reference="part and credit"),
        pay("7.00", reference="credit"),
        pay("40.00", (large, "40.00"), reference="rest"),
    ]
    if size is None:
        await work_apart(suite, "billing", tenant, actions.record_payment, payments)
    else:
        await work_in_batches(suite, "billing", tenant, bulk.record_payments, payments, size=size)
    return await footprint(suite, "billing", tenant)


@pytest.mark.parametrize("size", [1, 4])
async def test_payments_recorded_at_once_leave_what_they_leave_one_by_one(suite: Suite, size: int):
    apart = await left(suite, size=None)

    assert await left(suite, size=size) == apart
    assert sum(row.startswith("outbox ") and "payment.recorded" in row for row in apart) == 4
    assert sum(row.startswith("outbox ") and "invoice.paid" in row for row in apart) == 2
