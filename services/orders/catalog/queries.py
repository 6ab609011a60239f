"""Reads of products and tax codes."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

import asyncpg
from sqlmodel import select

from services.orders.catalog.models import Product, TaxCode
from services.orders.catalog.rules import PricedProduct, ProductRow, TaxCodeRow
from shared.context.ctx import Ctx
from shared.context.search_terms import TermIndex
from shared.database.table_sql import TableSql
from shared.http.finding import Listing, Where, list_found, shown
from shared.http.paging import Page, PageQuery
from shared.values.faults import NotFound

# Of a code's rows: the one that began last by the day; before any began, the first to come (orders brought in
# from elsewhere may be older than the rates). A row that has ended does not count.
OF_THE_DAY = (
    "(valid_to is null or valid_to >= $3) order by {first}(valid_from <= $3) desc, abs(valid_from - $3)"
)

PRODUCTS = TableSql(Product, ProductRow)
TERMS = TermIndex("product_terms", "product_id")
LISTED = Listing("products", "select t.id from products t", terms=(TERMS, "id"))
TAX_CODES = TableSql(TaxCode, TaxCodeRow)
FIND_TAX_CODES = f"""
select distinct on (t.code) {TAX_CODES.columns("t")} from tax_codes t
where t.tenant_id = $1 and t.code = any($2::text[]) and {OF_THE_DAY.format(first="code, ")}
"""  # noqa: S608 - no input in it

FIND_PRODUCTS = f"""
select {PRODUCTS.columns("p")} from products p where p.tenant_id = $1 and p.sku = any($2::text[])
"""  # noqa: S608 - no input in it

PRICED = f"""
select {PRODUCTS.columns("p")}, {TAX_CODES.columns("t")}, t.id is not null as is_taxed
from products p left join lateral (
  select * from tax_codes where tenant_id = $1 and code = p.tax_code and {OF_THE_DAY.format(first="")} limit 1
) t on true
where p.tenant_id = $1 and p.sku = any($2::text[])
"""  # noqa: S608 - no input in it


async def get_product(ctx: Ctx, product_id: UUID, *, lock: bool = False) -> Product:
    """One product; locked when it is about to change."""
    statement = select(Product).where(Product.id == product_id)
    if lock:
        statement = statement.with_for_update()
    product = (await ctx.session.exec(statement)).one_or_none()
    if product is None:
        raise NotFound("product", product_id)
    return product


async def list_products(ctx: Ctx, page: PageQuery, where: Where, q: str | None) -> Page[Product]:
    """Products, newest first."""
    return await shown(ctx, Product, await list_found(ctx, page, LISTED, where, q))


async def find_unknown_tax_codes(ctx: Ctx, codes: Collection[str]) -> list[str]:
    """Which of the codes billing has never told of."""
    rows = await ctx.sql.fetch(
        "select distinct code from tax_codes where tenant_id = $1 and code = any($2::text[])",
        ctx.tenant.id,
        list(codes),
    )
    return sorted(set(codes) - {row["code"] for row in rows})


async def find_tax_codes(ctx: Ctx, codes: Collection[str], *, on: date) -> dict[str, TaxCodeRow]:
    """Tax codes by code as they are on a day; without those that are unknown or have ended by then."""
    rows = await ctx.sql.fetch(FIND_TAX_CODES, ctx.tenant.id, list(codes), on)
    return {row["code"]: TAX_CODES.read(row) for row in rows}


async def find_products(ctx: Ctx, skus: Collection[str]) -> dict[str, ProductRow]:
    """Products by SKU; unknown ones are not among them."""
    rows = await ctx.sql.fetch(FIND_PRODUCTS, ctx.tenant.id, list(skus))
    return {row["sku"]: PRODUCTS.read(row) for row in rows}


async def find_priced_products(ctx: Ctx, skus: Collection[str], on: date) -> dict[str, PricedProduct]:
    """Products by SKU, each with its tax code as it is on a day, in one statement."""
    rows = await ctx.sql.fetch(PRICED, ctx.tenant.id, list(skus), on)
    return {row["sku"]: _priced(row) for row in rows}


def _priced(row: asyncpg.Record) -> PricedProduct:
    tax = TAX_CODES.read(row, PRODUCTS.width) if row["is_taxed"] else None
    return PricedProduct(PRODUCTS.read(row), tax)
