"""Warehouses and stock over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.orders.stock import actions, queries
from services.orders.stock.models import Warehouse
from services.orders.stock.rules import Movement, StockAudit, StockLevel
from services.orders.stock.schemas import (
    StockAuditOut,
    StockMovementOut,
    StockOut,
    WarehouseIn,
    WarehouseOut,
)
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, Router
from shared.values.fields import Code

router = Router("Stock")
CodeFilter = Annotated[Code | None, Query()]


@router.create("/warehouses", scope="orders:write", response_model=WarehouseOut)
async def create_warehouse(ctx: CtxDep, body: WarehouseIn) -> Warehouse:
    """Add a warehouse. `MAIN` is there from the start."""
    return await actions.create_warehouse(ctx, body)


@router.read("/warehouses", scope="orders:read", response_model=Page[WarehouseOut])
async def list_warehouses(ctx: CtxDep, page: PageDep, code: CodeFilter = None) -> Page[Warehouse]:
    """Warehouses, newest first."""
    return await queries.list_warehouses(ctx, page, code=code)


@router.read("/warehouses/{warehouse_id}", scope="orders:read", response_model=WarehouseOut)
async def get_warehouse(ctx: CtxDep, warehouse_id: UUID) -> Warehouse:
    """One warehouse."""
    return await queries.get_warehouse(ctx, warehouse_id)


@router.read("/stock-adjustments", scope="orders:read", response_model=Page[StockMovementOut])
async def list_stock_movements(
    ctx: CtxDep, page: PageDep, sku: CodeFilter = None, warehouse: CodeFilter = None
) -> Page[Movement]:
    """The stock's ledger, newest first: adjustments, and the shipments between them."""
    return await queries.list_movements(ctx, page, sku=sku, warehouse=warehouse)


@router.read("/stock-adjustments/{movement_id}", scope="orders:read", response_model=StockMovementOut)
async def get_stock_movement(ctx: CtxDep, movement_id: UUID) -> Movement:
    """One line of the stock's ledger."""
    return await queries.get_movement(ctx, movement_id)


@router.read("/stock", scope="orders:read", response_model=Page[StockOut])
async def list_stock(
    ctx: CtxDep, page: PageDep, sku: CodeFilter = None, warehouse: CodeFilter = None
) -> Page[StockLevel]:
    """What of each tracked product lies where, is reserved, available and waited for."""
    return await queries.list_levels(ctx, page, sku=sku, warehouse=warehouse)


@router.read("/stock-audit", scope="orders:read", response_model=StockAuditOut)
async def audit_stock(ctx: CtxDep) -> StockAudit:
    """Compare the stock's counters with what they count; no differences is the only good answer."""
    return await queries.audit_stock(ctx)
