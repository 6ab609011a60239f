"""What pricing reads: products with their tax codes as they were on the day of an order."""

from collections.abc import Sequence
from datetime import date

from services.orders.catalog import queries as catalog
from services.orders.intake.rules import PriceList, WantedCharge, WantedLine
from shared.context.ctx import Ctx


async def find_prices(
    ctx: Ctx, lines: Sequence[WantedLine], charges: Sequence[WantedCharge], *, on: date
) -> PriceList:
    """Products and tax codes of some lines and charges; the latter are read only where no product has them."""
    products = await catalog.find_priced_products(ctx, {line.sku for line in lines}, on)
    named = {line.tax_code for line in lines if line.tax_code is not None}
    named |= {charge.tax_code for charge in charges}
    missing = named - {p.product.tax_code for p in products.values()}
    # A code that is some line's own may be another product's default, whose row of the day is known already.
    known = {p.product.tax_code: p.tax for p in products.values() if p.tax is not None}
    codes = await catalog.find_tax_codes(ctx, missing, on=on) if missing else {}
    return PriceList(products, known | codes)
