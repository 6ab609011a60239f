"""Customers over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.orders.customers import actions, queries
from services.orders.customers.models import Customer
from services.orders.customers.schemas import CustomerChange, CustomerIn, CustomerOut
from shared.http.finding import From, Ids, Q, To, Where
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, IfMatch, Router
from shared.values.fields import Code, EmailText
from shared.values.texts import folded_email

router = Router("Customers")


@router.create("/customers", scope="orders:write", response_model=CustomerOut)
async def create_customer(ctx: CtxDep, body: CustomerIn) -> Customer:
    """Add a customer. An `external_ref` is unique per tenant."""
    return await actions.create_customer(ctx, body)


@router.read("/customers", scope="orders:read", response_model=Page[CustomerOut])
async def list_customers(
    ctx: CtxDep,
    page: PageDep,
    q: Q = None,
    ids: Ids = None,
    email: Annotated[EmailText | None, Query()] = None,
    external_ref: Annotated[Code | None, Query()] = None,
    from_: From = None,
    to: To = None,
) -> Page[Customer]:
    """Customers, newest first; `from` and `to` are days on which they were added."""
    where = (
        Where(ctx)
        .among("id", ids)
        .folded("email", email and folded_email(email))
        .add("external_ref =", external_ref)
    )
    return await queries.list_customers(ctx, page, where.local_days("created_at", from_, to), q)


@router.read("/customers/{customer_id}", scope="orders:read", response_model=CustomerOut)
async def get_customer(ctx: CtxDep, customer_id: UUID) -> Customer:
    """One customer."""
    return await queries.get_customer(ctx, customer_id)


@router.change("/customers/{customer_id}", scope="orders:write", response_model=CustomerOut)
async def change_customer(ctx: CtxDep, customer_id: UUID, body: CustomerChange, version: IfMatch) -> Customer:
    """Change some fields of a customer."""
    return await actions.change_customer(ctx, customer_id, body, version=version)
