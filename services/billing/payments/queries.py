"""Reads of payments."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import select

from services.billing.invoices.queries import CUSTOMER_TERMS
from services.billing.invoices.schemas import AllocationOut
from services.billing.ledger import queries as ledger
from services.billing.payments.models import Payment as Payment
from services.billing.payments.schemas import PaymentOut
from shared.context.ctx import Ctx
from shared.http.finding import Listing, Where, list_found, shown
from shared.http.paging import Page, PageQuery
from shared.values.faults import NotFound
from shared.values.money import Money

LISTED = Listing(
    "payments",
    "select t.id from payments t",
    references=("search_ref",),
    terms=(CUSTOMER_TERMS, "customer_id"),
)


async def get_payment(ctx: Ctx, payment_id: UUID, *, lock: bool = False) -> Payment:
    """One payment; locked when it is about to be allocated."""
    statement = select(Payment).where(Payment.id == payment_id)
    found = (await ctx.session.exec(statement.with_for_update() if lock else statement)).one_or_none()
    if found is None:
        raise NotFound("payment", payment_id)
    return found


REFUND = """
select id, amount_minor, currency from refunds where tenant_id = $1 and payment_id = $2 and state = 'paid'
order by id limit 1
"""


async def find_refund(ctx: Ctx, payment_id: UUID) -> tuple[UUID, Money]:
    """The first refund of a payment that has one and was not returned, and its amount."""
    row = await ctx.sql.fetchrow(REFUND, ctx.tenant.id, payment_id)
    return row["id"], Money(row["amount_minor"], row["currency"])


async def show_payments(ctx: Ctx, rows: Sequence[Payment]) -> list[PaymentOut]:
    """Payments with what they settled, as callers see them."""
    found: dict[UUID, list[AllocationOut]] = {row.id: [] for row in rows}
    for made in await ledger.find_allocations(ctx, list(found)):
        shown = AllocationOut(invoice_id=made.to_item, amount=made.amount, allocated_on=made.allocated_on)
        found[made.from_item].append(shown)
    return [PaymentOut.of(row, found[row.id]) for row in rows]


async def show_payment(ctx: Ctx, row: Payment) -> PaymentOut:
    """One payment with what it settled, as callers see it."""
    return (await show_payments(ctx, [row]))[0]


async def list_payments(ctx: Ctx, page: PageQuery, where: Where, q: str | None) -> Page[PaymentOut]:
    """Payments, newest first."""
    found = await shown(ctx, Payment, await list_found(ctx, page, LISTED, where, q))
    return Page(items=await show_payments(ctx, found.items), next=found.next)
