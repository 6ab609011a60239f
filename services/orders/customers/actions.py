"""What can be done with customers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.orders.customers import queries
from services.orders.customers.models import Customer
from services.orders.customers.rules import MissingCustomer, country_of, require_reachable
from services.orders.customers.schemas import CustomerChange, CustomerIn
from shared.context.ctx import Ctx
from shared.contracts.orders import CustomerChanged
from shared.database.table_sql import TableSql
from shared.database.tables import touch
from shared.http.router import require_version
from shared.values.fields import Address
from shared.values.ids import new_id
from shared.values.search_text import terms_of


@dataclass(frozen=True, slots=True)
class Added:
    """The row of a customer that a file of orders names."""

    id: UUID
    created_at: datetime
    updated_at: datetime
    external_ref: str
    name: str
    email: str | None
    phone: str | None
    country: str | None
    billing_address: dict[str, Any] | None


ADDED = TableSql(Customer, Added)
ADD_MISSING = f"{ADDED.insert(2)} on conflict (tenant_id, external_ref) do nothing returning id"


async def create_customer(ctx: Ctx, customer: CustomerIn) -> Customer:
    """Add a customer and tell the other services of it."""
    require_reachable(customer.delivery, customer.email)
    row = Customer(tenant_id=ctx.tenant.id, created_at=ctx.now, updated_at=ctx.now, **customer.model_dump())
    row.country = country_of(row.country, row.billing_address)
    ctx.session.add(row)
    await queries.TERMS.add(ctx, {row.id: terms_of_customer(row)})
    _tell(ctx, row)
    return row


async def create_missing_customers(ctx: Ctx, customers: Sequence[MissingCustomer]) -> None:
    """Add customers that a file of orders names, leaving known references as they are."""
    ordered = sorted(customers, key=lambda each: each.external_ref)
    added = {row.id: row for row in (Added(new_id(), ctx.now, ctx.now, **asdict(each)) for each in ordered)}
    made = [
        added[row["id"]]
        for row in await ctx.sql.fetch(ADD_MISSING, ctx.tenant.id, ADDED.json(added.values()))
    ]
    await queries.TERMS.add(ctx, {row.id: terms_of_customer(row) for row in made})
    for row in made:
        fact = CustomerChanged(
            customer_id=row.id,
            name=row.name,
            email=row.email,
            phone=row.phone,
            external_ref=row.external_ref,
            billing_address=None if row.billing_address is None else Address(**row.billing_address),
            version=1,
        )
        ctx.emit(fact, subject=row.id, version=1)


async def change_customer(ctx: Ctx, customer_id: UUID, change: CustomerChange, *, version: int) -> Customer:
    """Change some fields of a customer, based on the version the caller has seen."""
    row = await queries.get_customer(ctx, customer_id, lock=True)
    require_version(row, version)
    for name, value in change.model_dump(exclude_unset=True).items():
        setattr(row, name, value)
    given = change.country if "country" in change.model_fields_set else None
    row.country = country_of(given or (None if row.billing_address else row.country), row.billing_address)
    require_reachable(row.delivery, row.email)
    touch(row, ctx.now)
    await queries.TERMS.put(ctx, {row.id: terms_of_customer(row)})
    _tell(ctx, row)
    return row


def terms_of_customer(row: Customer | Added) -> list[str]:
    """By what words a customer is found."""
    return terms_of(row.name, row.email, row.external_ref, phones=[row.phone])


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
