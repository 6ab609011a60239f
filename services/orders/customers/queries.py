"""Reads of customers."""

from collections.abc import Collection
from uuid import UUID

from sqlmodel import select

from services.orders.customers.models import Customer
from services.orders.customers.rules import Buyer
from shared.context.ctx import Ctx
from shared.database.table_sql import TableSql
from shared.http.paging import Page, PageQuery, list_rows
from shared.values.faults import NotFound

BUYERS = TableSql(Customer, Buyer)


async def get_customer(ctx: Ctx, customer_id: UUID, *, lock: bool = False) -> Customer:
    """One customer; locked when it is about to change."""
    statement = select(Customer).where(Customer.id == customer_id)
    if lock:
        statement = statement.with_for_update()
    customer = (await ctx.session.exec(statement)).one_or_none()
    if customer is None:
        raise NotFound("customer", customer_id)
    return customer


async def list_customers(
    ctx: Ctx, page: PageQuery, *, email: str | None, external_ref: str | None
) -> Page[Customer]:
    """Customers, newest first."""
    conditions = []
    if email is not None:
        conditions.append(Customer.email == email)
    if external_ref is not None:
        conditions.append(Customer.external_ref == external_ref)
    return await list_rows(ctx, Customer, page, *conditions)


async def find_by_external_ref(ctx: Ctx, refs: Collection[str]) -> dict[str, UUID]:
    """The ids of customers by what the client company calls them; unknown ones are left out."""
    rows = await ctx.sql.fetch(
        "select external_ref, id from customers where tenant_id = $1 and external_ref = any($2::text[])",
        ctx.tenant.id,
        list(refs),
    )
    return {row["external_ref"]: row["id"] for row in rows}
