"""Reads of products and tax codes."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

import asyncpg
from sqlmodel import select

from services.orders.catalog.models import Product
from services.orders.catalog.rules import PricedProduct, ProductRow, TaxCodeRow
from shared.context.ctx import Ctx
from shared.http.paging import Page, PageQuery, list_rows
from shared.values.faults import NotFound
from shared.values.money import Money

# Of a code's rows: the one that began last by the day; before any began, the first to come (orders brought in
# from elsewhere may be older than the rates). A row that has ended does not count.
OF_THE_DAY = (
    "(valid_to is null or valid_to >= $3) order by {first}(valid_from <= $3) desc, abs(valid_from - $3)"
)

TAX_CODES = f"""
select distinct on (code) id, code, name, category, rate, valid_from, valid_to from tax_codes
where tenant_id = $1 and code = any($2::text[]) and {OF_THE_DAY.format(first="code, ")}
"""  # noqa: S608 - no input in it

PRODUCTS = """
select id, sku, name, unit_price_minor, currency, tax_code, tracked from products
where tenant_id = $1 and sku = any($2::text[])
"""

PRICED = f"""
select p.id, p.sku, p.name, p.unit_price_minor, p.currency, p.tax_code, p.tracked,
  t.id as tax_id, t.name as tax_name, t.category, t.rate, t.valid_from, t.valid_to
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


async def list_products(ctx: Ctx, page: PageQuery, *, sku: str | None) -> Page[Product]:
    """Products, newest first."""
    return await list_rows(ctx, Product, page, *([Product.sku == sku] if sku is not None else []))


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
    rows = await ctx.sql.fetch(TAX_CODES, ctx.tenant.id, list(codes), on)
    return {row["code"]: TaxCodeRow(**row) for row in rows}


async def find_products(ctx: Ctx, skus: Collection[str]) -> dict[str, ProductRow]:
    """Products by SKU; unknown ones are not among them."""
    rows = await ctx.sql.fetch(PRODUCTS, ctx.tenant.id, list(skus))
    return {row["sku"]: _product(row) for row in rows}


async def find_priced_products(ctx: Ctx, skus: Collection[str], on: date) -> dict[str, PricedProduct]:
    """Products by SKU, each with its tax code as it is on a day, in one statement."""
    rows = await ctx.sql.fetch(PRICED, ctx.tenant.id, list(skus), on)
    return {row["sku"]: PricedProduct(_product(row), _tax(row)) for row in rows}


def _product(row: asyncpg.Record) -> ProductRow:
    price = Money(row["unit_price_minor"], row["currency"])
    return ProductRow(row["id"], row["sku"], row["name"], price, row["tax_code"], row["tracked"])


def _tax(row: asyncpg.Record) -> TaxCodeRow | None:
    if row["tax_id"] is None:
        return None
    return TaxCodeRow(
        row["tax_id"],
        row["tax_code"],
        row["tax_name"],
        row["category"],
        row["rate"],
        row["valid_from"],
        row["valid_to"],
    )
