"""Orders over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field

from services.orders.book import queries
from services.orders.book.rules import Order, OrderHead, OrderState
from services.orders.intake import actions, bulk
from services.orders.intake.schemas import (
    Channel,
    FulfilmentStatus,
    HoldIn,
    OrderChange,
    OrderIn,
    OrderOut,
    OrderSummaryOut,
    PaymentStatus,
    ReasonIn,
)
from shared.http.finding import From, Ids, Number, Q, To, View, Where
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, IfMatch, Router
from shared.http.timeline import add_timeline
from shared.values.fields import Code

OrderPage = Annotated[Page[OrderOut] | Page[OrderSummaryOut], Field(union_mode="left_to_right")]
router = Router("Orders")
add_timeline(router, "orders", "order", scope="orders:read")


@router.create("/orders", scope="orders:write", response_model=OrderOut, batch=bulk.create_orders)
async def create_order(ctx: CtxDep, body: OrderIn) -> Order:
    """Take in an order, with `confirm` in one step. An `external_ref` is unique per tenant."""
    return await actions.create_order(ctx, body)


@router.read("/orders", scope="orders:read", response_model=OrderPage)
async def list_orders(
    ctx: CtxDep,
    page: PageDep,
    q: Q = None,
    ids: Ids = None,
    number: Number = None,
    external_ref: Annotated[Code | None, Query()] = None,
    customer_id: Annotated[UUID | None, Query()] = None,
    channel: Annotated[list[Channel] | None, Query()] = None,
    state: Annotated[list[OrderState] | None, Query()] = None,
    fulfilment_status: Annotated[list[FulfilmentStatus] | None, Query()] = None,
    payment_status: Annotated[list[PaymentStatus] | None, Query()] = None,
    from_: From = None,
    to: To = None,
    view: View = "full",
) -> Page[Order] | Page[OrderHead]:
    """Orders, newest first; `from` and `to` are the tenant's days on which they were placed.

    Channel and states may be given several times: any of them.
    """
    where = (
        Where(ctx)
        .among("id", ids)
        .add("number =", number)
        .add("external_ref =", external_ref)
        .add("customer_id =", customer_id)
        .among("channel", channel)
        .among("state", state)
        .among("fulfilment_status", fulfilment_status)
        .among("payment_status", payment_status)
        .local_days("ordered_at", from_, to)
    )
    if view == "summary":
        return await queries.list_heads(ctx, page, where, q)
    return await queries.list_orders(ctx, page, where, q)


@router.read("/orders/{order_id}", scope="orders:read", response_model=OrderOut)
async def get_order(ctx: CtxDep, order_id: UUID) -> Order:
    """One order. `holds` are the active ones; the timeline shows all. `fulfilments` are all, oldest first."""
    return await queries.get_order(ctx, order_id)


@router.change("/orders/{order_id}", scope="orders:write", response_model=OrderOut)
async def change_order(ctx: CtxDep, order_id: UUID, body: OrderChange, version: IfMatch) -> Order:
    """Change a draft; lines that are given replace all of its lines."""
    return await actions.change_draft(ctx, order_id, body, version=version)


@router.verb("/orders/{order_id}/confirm", scope="orders:write", response_model=OrderOut)
async def confirm_order(ctx: CtxDep, order_id: UUID) -> Order:
    """Confirm a draft: stock is reserved, all or nothing by its backorder policy."""
    return await actions.confirm_order(ctx, order_id)


@router.verb("/orders/{order_id}/cancel", scope="orders:write", response_model=OrderOut)
async def cancel_order(ctx: CtxDep, order_id: UUID, body: ReasonIn | None = None) -> Order:
    """Cancel an order, or what is left of it once something was shipped."""
    return await actions.cancel_order(ctx, order_id, reason=body.reason if body else None)


@router.verb("/orders/{order_id}/holds", scope="orders:write", response_model=OrderOut)
async def place_hold(ctx: CtxDep, order_id: UUID, body: HoldIn) -> Order:
    """Hold an order back. Holds add up; each is released on its own."""
    return await actions.place_hold(ctx, order_id, body)


@router.verb("/orders/{order_id}/holds/{hold_id}/release", scope="orders:write", response_model=OrderOut)
async def release_hold(ctx: CtxDep, order_id: UUID, hold_id: UUID, body: ReasonIn | None = None) -> Order:
    """Release one hold."""
    return await actions.release_hold(ctx, order_id, hold_id, reason=body.reason if body else None)
