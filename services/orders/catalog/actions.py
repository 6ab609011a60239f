"""What can be done with products, and how the copy of billing's tax codes is kept."""

from collections.abc import Sequence
from uuid import UUID

from services.orders.catalog import queries
from services.orders.catalog.models import Product
from services.orders.catalog.rules import ProductRow, UnknownTaxCode
from services.orders.catalog.schemas import ProductChange, ProductIn
from services.orders.stock import actions as stock
from shared.context.ctx import Ctx
from shared.contracts.billing import TaxCodeChanged
from shared.database.tables import touch
from shared.http.router import require_version
from shared.values.ids import new_id
from shared.values.search_text import terms_of

COPY = """
insert into tax_codes
  (tenant_id, id, version, created_at, updated_at, code, name, category, rate, valid_from, valid_to)
values ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $10)
on conflict (tenant_id, id) do update set version = excluded.version, updated_at = excluded.updated_at,
  code = excluded.code, name = excluded.name, category = excluded.category, rate = excluded.rate,
  valid_from = excluded.valid_from, valid_to = excluded.valid_to
where tax_codes.version < excluded.version
"""

NOW = {"created_at": "$3::timestamptz", "updated_at": "$3::timestamptz"}
ADD = f"""
{queries.PRODUCTS.insert(2, given=NOW, rest="order by new.sku")}
on conflict (tenant_id, sku) do nothing returning id, tracked
"""


async def copy_tax_code(ctx: Ctx, changed: TaxCodeChanged) -> None:
    """Keep a tax code as billing tells it; what is older than the copy changes nothing."""
    await ctx.sql.execute(
        COPY,
        ctx.tenant.id,
        changed.tax_code_id,
        changed.version,
        ctx.now,
        changed.code,
        changed.name,
        changed.category,
        changed.rate,
        changed.valid_from,
        changed.valid_to,
    )


async def create_product(ctx: Ctx, product: ProductIn) -> Product:
    """Add a product; a tracked one gets its stock row in MAIN."""
    await _require_tax_codes(ctx, {product.tax_code})
    facts = product.model_dump(exclude={"unit_price"})
    row = Product(
        tenant_id=ctx.tenant.id,
        created_at=ctx.now,
        updated_at=ctx.now,
        unit_price_minor=product.unit_price.minor,
        currency=product.unit_price.currency,
        **facts,
    )
    ctx.session.add(row)
    await queries.TERMS.add(ctx, {row.id: terms_of(row.sku, row.name)})
    if row.tracked:
        await stock.start_tracking(ctx, [row.id])
    return row


async def create_missing_products(ctx: Ctx, products: Sequence[ProductIn]) -> int:
    """Add many products at once, leaving known SKUs as they are; returns how many were added."""
    await _require_tax_codes(ctx, {p.tax_code for p in products})
    added = [
        ProductRow(
            new_id(), p.sku, p.name, p.unit_price.minor, p.unit_price.currency, p.tax_code, p.tracked, p.unit
        )
        for p in products
    ]
    rows = await ctx.sql.fetch(ADD, ctx.tenant.id, queries.PRODUCTS.json(added), ctx.now)
    found = {product.id: terms_of(product.sku, product.name) for product in added}
    await queries.TERMS.add(ctx, {row["id"]: found[row["id"]] for row in rows})
    await stock.start_tracking(ctx, [row["id"] for row in rows if row["tracked"]])
    return len(rows)


async def change_product(ctx: Ctx, product_id: UUID, change: ProductChange, *, version: int) -> Product:
    """Change some fields of a product; orders taken before keep what they were told."""
    row = await queries.get_product(ctx, product_id, lock=True)
    require_version(row, version)
    given = change.model_fields_set
    if "tax_code" in given:
        await _require_tax_codes(ctx, {change.tax_code})
    if "tracked" in given and change.tracked != row.tracked:
        await _track(ctx, row, tracked=change.tracked)
    for name in given - {"unit_price"}:
        setattr(row, name, getattr(change, name))
    if "name" in given:
        await queries.TERMS.put(ctx, {row.id: terms_of(row.sku, row.name)})
    if "unit_price" in given:
        row.unit_price_minor, row.currency = change.unit_price.minor, change.unit_price.currency
    touch(row, ctx.now)
    return row


async def _track(ctx: Ctx, row: Product, *, tracked: bool) -> None:
    if tracked:
        await stock.start_tracking(ctx, [row.id])
    else:
        await stock.stop_tracking(ctx, row.id)


async def _require_tax_codes(ctx: Ctx, codes: set[str]) -> None:
    for code in await queries.find_unknown_tax_codes(ctx, codes):
        raise UnknownTaxCode(code)
