"""Products over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.orders.catalog import actions, queries
from services.orders.catalog.models import Product
from services.orders.catalog.schemas import ProductChange, ProductIn, ProductOut
from shared.http.finding import Ids, Q, Where
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, IfMatch, Router
from shared.values.fields import Code

router = Router("Products")


@router.create("/products", scope="orders:write", response_model=ProductOut)
async def create_product(ctx: CtxDep, body: ProductIn) -> Product:
    """Add a product. A `sku` is unique per tenant and stays."""
    return await actions.create_product(ctx, body)


@router.read("/products", scope="orders:read", response_model=Page[ProductOut])
async def list_products(
    ctx: CtxDep, page: PageDep, q: Q = None, ids: Ids = None, sku: Annotated[Code | None, Query()] = None
) -> Page[Product]:
    """Products, newest first; `q` finds them by the words of SKU and name."""
    return await queries.list_products(ctx, page, Where(ctx).among("id", ids).add("sku =", sku), q)


@router.read("/products/{product_id}", scope="orders:read", response_model=ProductOut)
async def get_product(ctx: CtxDep, product_id: UUID) -> Product:
    """One product."""
    return await queries.get_product(ctx, product_id)


@router.change("/products/{product_id}", scope="orders:write", response_model=ProductOut)
async def change_product(ctx: CtxDep, product_id: UUID, body: ProductChange, version: IfMatch) -> Product:
    """Change some fields of a product. `tracked` can be switched off only while it has no stock."""
    return await actions.change_product(ctx, product_id, body, version=version)
