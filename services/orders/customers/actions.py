"""What can be done with customers."""

from uuid import UUID

from services.orders.customers import queries
from services.orders.customers.models import Customer
from services.orders.customers.schemas import CustomerChange, CustomerIn
from shared.contracts.orders import CustomerChanged
from shared.ctx import Ctx
from shared.tables import touch
from shared.web import require_version


async def create_customer(ctx: Ctx, customer: CustomerIn) -> Customer:
    """Add a customer and tell the other services of it."""
    row = Customer(tenant_id=ctx.tenant.id, created_at=ctx.now, updated_at=ctx.now, **customer.model_dump())
    ctx.session.add(row)
    _tell(ctx, row)
    return row


async def change_customer(ctx: Ctx, customer_id: UUID, change: CustomerChange, *, version: int) -> Customer:
    """Change some fields of a customer, based on the version the caller has seen."""
    row = await queries.get_customer(ctx, customer_id, lock=True)
    require_version(row, version)
    for name, value in change.model_dump(exclude_unset=True).items():
        setattr(row, name, value)
    touch(row, ctx.now)
    _tell(ctx, row)
    return row


def _tell(ctx: Ctx, row: Customer) -> None:
    ctx.emit(
        CustomerChanged(
            customer_id=row.id,
            name=row.name,
            email=row.email,
            tax_id=row.tax_id,
            billing_address=row.billing_address,
            version=row.version,
        ),
        subject=row.id,
        version=row.version,
    )
