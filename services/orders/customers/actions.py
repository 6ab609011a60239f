"""What can be done with customers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.orders.customers import queries
from services.orders.customers.models import Customer
from services.orders.customers.rules import require_reachable
from services.orders.customers.schemas import CustomerChange, CustomerIn
from shared.context.ctx import Ctx
from shared.contracts.orders import CustomerChanged
from shared.database.table_sql import TableSql
from shared.database.tables import touch
from shared.http.router import require_version
from shared.values.ids import new_id


@dataclass(frozen=True, slots=True)
class Named:
    """A customer known only by reference and name."""

    id: UUID
    name: str
    external_ref: str
    created_at: datetime
    updated_at: datetime


NAMED = TableSql(Customer, Named)
ADD_MISSING = (
    f"{NAMED.insert(2)} on conflict (tenant_id, external_ref) do nothing returning id, name, external_ref"
)


async def create_customer(ctx: Ctx, customer: CustomerIn) -> Customer:
    """Add a customer and tell the other services of it."""
    require_reachable(customer.delivery, customer.email)
    row = Customer(tenant_id=ctx.tenant.id, created_at=ctx.now, updated_at=ctx.now, **customer.model_dump())
    ctx.session.add(row)
    _tell(ctx, row)
    return row


async def create_missing_customers(ctx: Ctx, names: Mapping[str, str]) -> int:
    """Add customers known only by reference and name, leaving known references as they are."""
    named = [Named(new_id(), names[ref], ref, ctx.now, ctx.now) for ref in sorted(names)]
    rows = await ctx.sql.fetch(ADD_MISSING, ctx.tenant.id, NAMED.json(named))
    for row in rows:
        fact = CustomerChanged(
            customer_id=row["id"], name=row["name"], external_ref=row["external_ref"], version=1
        )
        ctx.emit(fact, subject=row["id"], version=1)
    return len(rows)


async def change_customer(ctx: Ctx, customer_id: UUID, change: CustomerChange, *, version: int) -> Customer:
    """Change some fields of a customer, based on the version the caller has seen."""
    row = await queries.get_customer(ctx, customer_id, lock=True)
    require_version(row, version)
    for name, value in change.model_dump(exclude_unset=True).items():
        setattr(row, name, value)
    require_reachable(row.delivery, row.email)
    touch(row, ctx.now)
    _tell(ctx, row)
    return row


def _tell(ctx: Ctx, row: Customer) -> None:
    ctx.emit(
        CustomerChanged(
            customer_id=row.id,
            name=row.name,
            email=row.email,
            phone=row.phone,
            tax_id=row.tax_id,
            external_ref=row.external_ref,
            billing_address=row.billing_address,
            shipping_address=row.shipping_address,
            language=row.language,
            registration_number=row.registration_number,
            buyer_reference=row.buyer_reference,
            electronic_address=row.electronic_address,
            payment_terms_days=row.payment_terms_days,
            e_invoice=row.e_invoice,
            delivery=row.delivery,
            version=row.version,
        ),
        subject=row.id,
        version=row.version,
    )
