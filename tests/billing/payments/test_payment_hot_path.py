"""A payment takes as few round trips as it can: its timeline and facts ride in the closing statement."""

import httpx

from shared.context.ctx import TenantFacts
from tests.billing.given import given_invoice, pay
from tests.kit.statements import only, statements
from tests.kit.suite import Suite

CLOSING = "insert into outbox"
MARKS = (
    CLOSING, "for no key update", "insert into journal_entries", "insert into allocations", "update invoices",
    "insert into payments",
)  # fmt: skip


async def test_a_payment_is_recorded_and_settled_in_six_statements(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing)

    async with statements(suite, "billing", tenant) as seen:
        assert (await pay(billing, invoice, "12.00")).status_code == 201

    assert only(seen, *MARKS) == [
        "for no key update",
        "insert into journal_entries",
        "insert into allocations",
        "update invoices",
        "insert into payments",
        CLOSING,
    ]
