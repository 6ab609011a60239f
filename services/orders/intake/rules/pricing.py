"""How an order is priced, and what pricing refuses."""

from collections.abc import Sequence
from decimal import Decimal

from services.orders.book.rules import Charge, Order, OrderLine
from services.orders.catalog.rules import ProductRow, TaxCodeRow
from services.orders.intake.rules.wanted import PriceList, WantedCharge, WantedDiscount, WantedLine
from shared.values.faults import FieldError, Invalid
from shared.values.ids import new_id
from shared.values.money import Money, MoneyOutOfRange
from shared.values.prices import UnitPrice
from shared.values.tax import DiscountTooLarge, DocumentDiscount, TaxedDocument, TaxInput, tax_document


def agree_discount(order: Order, wanted: WantedDiscount | None) -> None:
    """Note what is taken off the order as a whole; pricing works it out. Refuses another currency than the order's."""
    order.discount_percent, order.discount_minor = None, 0
    if wanted is None:
        return
    if wanted.amount is None:
        order.discount_percent = wanted.percent
    elif wanted.amount.currency != order.currency:
        raise Invalid.field("/discount/amount", "currency_mismatch", f"The order is in {order.currency}.")
    else:
        order.discount_minor = wanted.amount.minor


def price_order(
    order: Order,
    wanted: Sequence[WantedLine],
    charges: Sequence[WantedCharge],
    prices: PriceList,
    *,
    pointer: str = "",
) -> None:
    """Give an order its lines, charges, figures and totals; refuses all that cannot be priced, by name."""
    errors: list[FieldError] = []
    lines: list[OrderLine] = []
    inputs: list[TaxInput] = []
    for index, line in enumerate(wanted):
        found = _price_line(order, index, line, prices, errors, f"{pointer}/lines/{index}")
        if found is not None:
            lines.append(found[0])
            inputs.append(found[1])
    priced = [
        _price_charge(order, charge, prices, errors, f"{pointer}/charges/{n}")
        for n, charge in enumerate(charges)
    ]
    if errors:
        codes = {error.code for error in errors}
        code = codes.pop() if len(codes) == 1 else None
        detail = errors[0].message if len(errors) == 1 else f"{len(errors)} lines are not acceptable."
        raise Invalid(detail, code=code, errors=errors[:50])
    order.lines, order.charges = lines, [charge for charge in priced if charge is not None]
    inputs += [_taxed_charge(charge) for charge in order.charges]
    _state_figures(order, _figures(order, inputs, pointer))
    _require_not_negative(order, pointer)


def _state_figures(order: Order, figures: TaxedDocument) -> None:
    """Note what the one tax function says of lines, charges and the whole."""
    count = len(order.lines)
    for order_line, taxed, shared in zip(order.lines, figures.lines[:count], figures.shared, strict=False):
        order_line.order_discount_minor = shared.minor
        order_line.discount_minor = taxed.discount.minor
        order_line.net_minor = taxed.net.minor
        order_line.tax_minor = taxed.tax.minor
        order_line.gross_minor = taxed.gross.minor
    for charge, taxed in zip(order.charges, figures.lines[count:], strict=True):
        charge.net_minor, charge.tax_minor, charge.gross_minor = (
            taxed.net.minor,
            taxed.tax.minor,
            taxed.gross.minor,
        )
    order.net_minor = figures.totals.net.minor
    order.tax_minor = figures.totals.tax.minor
    order.gross_minor = figures.totals.gross.minor
    order.tax_breakdown = list(figures.tax_breakdown)
    if order.discount_percent is not None:
        order.discount_minor = sum(shared.minor for shared in figures.shared)


def _price_line(
    order: Order, index: int, wanted: WantedLine, prices: PriceList, errors: list[FieldError], pointer: str
) -> tuple[OrderLine, TaxInput] | None:
    """One line with its price and tax code; its figures follow from all lines together."""
    known = prices.products.get(wanted.sku)
    if known is None:
        errors.append(FieldError(f"{pointer}/sku", "unknown_sku", f"There is no product {wanted.sku}."))
        return None
    product = known.product
    code = wanted.tax_code if wanted.tax_code is not None else product.tax_code
    tax = known.tax if code == product.tax_code else prices.tax_codes.get(code)
    price = wanted.unit_price if wanted.unit_price is not None else product.unit_price
    if tax is None:
        sentence = f"There is no tax code {code} at the time of the order."
        errors.append(FieldError(f"{pointer}/tax_code", "unknown_tax_code", sentence))
    if price.currency != order.currency:
        sentence = f"The price is in {price.currency}, the order in {order.currency}."
        errors.append(FieldError(f"{pointer}/unit_price", "currency_mismatch", sentence))
    if price.minor < 0 and product.tracked:
        sentence = (
            "A price is zero or more; only what has no stock, as a deposit or voucher, may be deducted."
        )
        errors.append(FieldError(f"{pointer}/unit_price", "negative_price", sentence))
    if product.tracked and wanted.unit not in (None, product.unit):
        sentence = f"Stock of {product.sku} is counted in {product.unit}."
        errors.append(FieldError(f"{pointer}/unit", "unit_mismatch", sentence))
    if tax is None or price.currency != order.currency:
        return None
    return _line_of(order, index, wanted, product, price, tax), TaxInput(
        wanted.quantity, price, code, tax.rate, tax.category, wanted.discount_percent
    )


def _line_of(
    order: Order, index: int, wanted: WantedLine, product: ProductRow, price: UnitPrice, tax: TaxCodeRow
) -> OrderLine:
    return OrderLine(
        id=new_id(),
        order_id=order.id,
        position=index + 1,
        product_id=product.id,
        sku=product.sku,
        description=wanted.description or product.name,
        tracked=product.tracked,
        unit=wanted.unit or product.unit,
        quantity=wanted.quantity,
        currency=order.currency,
        unit_price_minor=price.minor,
        discount_percent=wanted.discount_percent,
        discount_minor=0,
        tax_code=tax.code,
        tax_category=tax.category,
        tax_rate=tax.rate,
        net_minor=0,
        tax_minor=0,
        gross_minor=0,
    )


def _price_charge(
    order: Order, wanted: WantedCharge, prices: PriceList, errors: list[FieldError], pointer: str
) -> Charge | None:
    """One charge with its tax code; its figures follow from the whole order."""
    tax = prices.tax_codes.get(wanted.tax_code)
    if tax is None:
        sentence = f"There is no tax code {wanted.tax_code} at the time of the order."
        errors.append(FieldError(f"{pointer}/tax_code", "unknown_tax_code", sentence))
    if wanted.amount.currency != order.currency:
        sentence = f"The amount is in {wanted.amount.currency}, the order in {order.currency}."
        errors.append(FieldError(f"{pointer}/amount", "currency_mismatch", sentence))
    if tax is None or wanted.amount.currency != order.currency:
        return None
    return Charge(
        id=new_id(),
        kind=wanted.kind,
        description=wanted.description or wanted.kind.capitalize(),
        currency=order.currency,
        amount_minor=wanted.amount.minor,
        tax_code=tax.code,
        tax_category=tax.category,
        tax_rate=tax.rate,
        net_minor=0,
        tax_minor=0,
        gross_minor=0,
    )


def _taxed_charge(charge: Charge) -> TaxInput:
    return TaxInput(
        Decimal(1), charge.amount, charge.tax_code, charge.tax_rate, charge.tax_category, discountable=False
    )


def _require_not_negative(order: Order, pointer: str) -> None:
    """Refuse to deduct more than the order comes to."""
    if order.gross_minor >= 0:
        return
    sentence = f"The order would come to {order.gross}; deposits and vouchers may lower it to zero."
    errors = [
        FieldError(f"{pointer}/lines/{n}/unit_price", "negative_price", sentence)
        for n, line in enumerate(order.lines)
        if line.deducts
    ]
    raise Invalid(sentence, code="negative_price", errors=errors[:50])


def _figures(order: Order, inputs: Sequence[TaxInput], pointer: str) -> TaxedDocument:
    try:
        return tax_document(inputs, order.tax_mode, order.currency, _discount(order))
    except DiscountTooLarge as error:
        raise Invalid.field(
            f"{pointer}/discount/amount", "discount_too_large", "The discount is more than the order's lines."
        ) from error
    except MoneyOutOfRange as error:
        raise Invalid.field(
            f"{pointer}/lines", "money_out_of_range", "The order's amounts are too large."
        ) from error


def _discount(order: Order) -> DocumentDiscount | None:
    """The discount as it was agreed: the percentage counts, where there is one."""
    if order.discount_percent is not None:
        return DocumentDiscount(percent=order.discount_percent)
    amount = Money(order.discount_minor, order.currency)
    return None if amount.is_zero else DocumentDiscount(amount=amount)
