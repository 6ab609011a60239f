"""Reads of customers."""

from collections.abc import Collection
from uuid import UUID

from sqlmodel import select

from services.orders.customers.models import Customer
from services.orders.customers.rules import Buyer, KnownCustomer
from shared.context.ctx import Ctx
from shared.context.search_terms import TermIndex
from shared.database.table_sql import TableSql
from shared.http.finding import Listing, Where, list_found, shown
from shared.http.paging import Page, PageQuery
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
TERMS = TermIndex("customer_terms", "customer_id")
LISTED = Listing("customers", "select t.id from customers t", terms=(TERMS, "id"))


async def get_customer(ctx: Ctx, customer_id: UUID, *, lock: bool = False) -> Customer:
    """One customer; locked when it is about to change."""
    statement = select(Customer).where(Customer.id == customer_id)
    if lock:
        statement = statement.with_for_update()
    customer = (await ctx.session.exec(statement)).one_or_none()
    if customer is None:
        raise NotFound("customer", customer_id)
    return customer


async def list_customers(ctx: Ctx, page: PageQuery, where: Where, q: str | None) -> Page[Customer]:
    """Customers, newest first."""
    return await shown(ctx, Customer, await list_found(ctx, page, LISTED, where, q))


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
