"""Reads of customers."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlmodel import col, func, select

from services.orders.customers.models import Customer
from services.orders.customers.rules import Buyer, KnownCustomer
from shared.context.ctx import Ctx
from shared.database.table_sql import TableSql
from shared.http.paging import Page, PageQuery, list_rows
from shared.values.faults import NotFound
from shared.values.texts import folded_email

BUYERS = TableSql(Customer, Buyer)
KNOWN = TableSql(Customer, KnownCustomer)
FIND_BY_REF = f"""
select {KNOWN.columns("c")} from customers c where c.tenant_id = $1 and c.external_ref = any($2::text[])
"""  # noqa: S608 - no input in it
FIND_BY_EMAIL = f"""
select {KNOWN.columns("c")} from customers c where c.tenant_id = $1 and lower(c.email) = any($2::text[])
"""  # noqa: S608 - no input in it


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
    conditions: list[Any] = []
    if email is not None:
        conditions.append(func.lower(col(Customer.email)) == folded_email(email))
    if external_ref is not None:
        conditions.append(Customer.external_ref == external_ref)
    return await list_rows(ctx, Customer, page, *conditions)


async def find_by_external_ref(ctx: Ctx, refs: Collection[str]) -> dict[str, KnownCustomer]:
    """Customers by what the client company calls them; unknown ones are left out."""
    rows = await ctx.sql.fetch(FIND_BY_REF, ctx.tenant.id, list(refs))
    return {row["external_ref"]: KNOWN.read(row) for row in rows}


async def find_by_email(ctx: Ctx, emails: Collection[str]) -> dict[str, list[KnownCustomer]]:
    """The customers that have an e-mail address, by its folded form; nothing keeps it from being that of several."""
    rows = await ctx.sql.fetch(FIND_BY_EMAIL, ctx.tenant.id, [folded_email(email) for email in emails])
    found: dict[str, list[KnownCustomer]] = {}
    for row in rows:
        found.setdefault(folded_email(row["email"]), []).append(KNOWN.read(row))
    return found
