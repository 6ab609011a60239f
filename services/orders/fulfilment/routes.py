"""Fulfilments over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.orders.book.rules import Fulfilment, FulfilmentState
from services.orders.fulfilment import actions, bulk, queries
from services.orders.fulfilment.schemas import CancelIn, FulfilmentChange, FulfilmentOut, ShipIn
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, IfMatch, Router
from shared.http.timeline import add_timeline

router = Router("Fulfilments")
add_timeline(router, "fulfilments", "fulfilment", scope="orders:read")


@router.read("/fulfilments", scope="orders:read", response_model=Page[FulfilmentOut])
async def list_fulfilments(
    ctx: CtxDep,
    page: PageDep,
    order_id: Annotated[UUID | None, Query()] = None,
    state: Annotated[FulfilmentState | None, Query()] = None,
) -> Page[Fulfilment]:
    """Fulfilments, newest first."""
    return await queries.list_fulfilments(ctx, page, order_id=order_id, state=state)


@router.read("/fulfilments/{fulfilment_id}", scope="orders:read", response_model=FulfilmentOut)
async def get_fulfilment(ctx: CtxDep, fulfilment_id: UUID) -> Fulfilment:
    """One fulfilment."""
    return await queries.get_fulfilment(ctx, fulfilment_id)


@router.change("/fulfilments/{fulfilment_id}", scope="orders:write", response_model=FulfilmentOut)
async def redirect_fulfilment(
    ctx: CtxDep, fulfilment_id: UUID, body: FulfilmentChange, version: IfMatch
) -> Fulfilment:
    """Send it to another address than its order, until it is packed; null sends it where the order goes again."""
    return await actions.redirect_fulfilment(ctx, fulfilment_id, body, version=version)


@router.verb("/fulfilments/{fulfilment_id}/reserve", scope="orders:write", response_model=FulfilmentOut)
async def reserve_fulfilment(ctx: CtxDep, fulfilment_id: UUID) -> Fulfilment:
    """Try again to have stock promised to what waits; refused while there is none, or others wait longer for it."""
    return await actions.reserve_fulfilment(ctx, fulfilment_id)


@router.verb("/fulfilments/{fulfilment_id}/release", scope="orders:write", response_model=FulfilmentOut)
async def release_fulfilment(ctx: CtxDep, fulfilment_id: UUID) -> Fulfilment:
    """Hand it to the warehouse."""
    return await actions.release_fulfilment(ctx, fulfilment_id)


@router.verb("/fulfilments/{fulfilment_id}/pick", scope="orders:write", response_model=FulfilmentOut)
async def pick_fulfilment(ctx: CtxDep, fulfilment_id: UUID) -> Fulfilment:
    """Begin to collect the goods."""
    return await actions.pick_fulfilment(ctx, fulfilment_id)


@router.verb("/fulfilments/{fulfilment_id}/pack", scope="orders:write", response_model=FulfilmentOut)
async def pack_fulfilment(ctx: CtxDep, fulfilment_id: UUID) -> Fulfilment:
    """The goods are in their parcels."""
    return await actions.pack_fulfilment(ctx, fulfilment_id)


@router.verb(
    "/fulfilments/{fulfilment_id}/ship",
    scope="orders:write",
    response_model=FulfilmentOut,
    batch=bulk.ship_fulfilments,
)
async def ship_fulfilment(ctx: CtxDep, fulfilment_id: UUID, body: ShipIn | None = None) -> Fulfilment:
    """Ship all of it, or the named lines; allowed from open to packed. The rest stays as a new open fulfilment."""
    return await actions.ship_fulfilment(ctx, fulfilment_id, body)


@router.verb("/fulfilments/{fulfilment_id}/deliver", scope="orders:write", response_model=FulfilmentOut)
async def deliver_fulfilment(ctx: CtxDep, fulfilment_id: UUID) -> Fulfilment:
    """The goods have reached the buyer."""
    return await actions.deliver_fulfilment(ctx, fulfilment_id)


@router.verb("/fulfilments/{fulfilment_id}/cancel", scope="orders:write", response_model=FulfilmentOut)
async def cancel_fulfilment(ctx: CtxDep, fulfilment_id: UUID, body: CancelIn | None = None) -> Fulfilment:
    """Take it back: its goods are promised anew, to whoever waits longest; what its order lacks then is backordered."""
    return await actions.cancel_fulfilment(ctx, fulfilment_id, reason=body.reason if body else None)
