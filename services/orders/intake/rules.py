"""How an order is priced, and what its intake refuses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from services.orders.book.rules import Order, OrderLine, OrderState
from services.orders.catalog.rules import PricedProduct, ProductRow, TaxCodeRow
from shared.context.lifecycle import IllegalTransition
from shared.values.faults import FieldError, Invalid, Refused
from shared.values.ids import new_id
from shared.values.money import Money, MoneyOutOfRange
from shared.values.prices import UnitPrice
from shared.values.tax import DiscountTooLarge, DocumentDiscount, TaxedDocument, TaxInput, tax_document

MOST_LINES = 1000
LATEST_DELIVERY = timedelta(days=5 * 366)
"""How long after its day an order may ask to be delivered."""
HOLDABLE = (OrderState.DRAFT, OrderState.CONFIRMED, OrderState.PROCESSING)


class WantedLine(Protocol):
    """A line as somebody asks for it: what is left out comes from the product."""

    @property
    def sku(self) -> str:
        """The product."""

    @property
    def quantity(self) -> Decimal:
        """How much of it."""

    @property
    def unit_price(self) -> UnitPrice | None:
        """An agreed price."""

    @property
    def tax_code(self) -> str | None:
        """Another tax code than the product's."""

    @property
    def discount_percent(self) -> Decimal:
        """What is taken off the line."""

    @property
    def unit(self) -> str | None:
        """What the quantity counts."""


class WantedDiscount(Protocol):
    """What somebody wants taken off an order as a whole: a percentage, or else an amount."""

    @property
    def percent(self) -> Decimal | None:
        """Per cent of the lines."""

    @property
    def amount(self) -> Money | None:
        """So much."""


@dataclass(frozen=True, slots=True)
class AgreedLine:
    """A line as it was agreed before, to be priced again."""

    sku: str
    quantity: Decimal
    unit_price: UnitPrice | None
    tax_code: str | None
    discount_percent: Decimal
    unit: str | None

    @classmethod
    def of(cls, line: OrderLine) -> "AgreedLine":
        """What was agreed of a line."""
        unit = None if line.tracked else line.unit
        return cls(line.sku, line.quantity, line.unit_price, line.tax_code, line.discount_percent, unit)


@dataclass(frozen=True, slots=True)
class PriceList:
    """What pricing needs to know: products by SKU with their tax, and tax codes by code, of one day."""

    products: Mapping[str, PricedProduct]
    tax_codes: Mapping[str, TaxCodeRow]


class HoldReleased(Refused):
    """The hold was released before."""

    code = "hold_released"


def unknown_customer() -> Invalid:
    """The refusal of an order for somebody who is no customer."""
    return Invalid.field("/customer_id", "unknown_customer", "There is no customer with this id.")


def require_possible_delivery(requested_on: date | None, ordered_on: date) -> None:
    """Refuse a requested day before the order, or years after it: nobody meant that."""
    latest = ordered_on + LATEST_DELIVERY
    if requested_on is not None and not ordered_on <= requested_on <= latest:
        sentence = f"{requested_on} is not possible here: give a day from {ordered_on} to {latest}."
        raise Invalid.field("/requested_on", "date_out_of_range", sentence)


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


def price_lines(order: Order, wanted: Sequence[WantedLine], prices: PriceList, *, pointer: str = "") -> None:
    """Give an order its lines, figures and totals; refuses every line that cannot be priced, by name."""
    errors: list[FieldError] = []
    lines: list[OrderLine] = []
    inputs: list[TaxInput] = []
    for index, line in enumerate(wanted):
        found = _price_line(order, index, line, prices, errors, f"{pointer}/lines/{index}")
        if found is not None:
            lines.append(found[0])
            inputs.append(found[1])
    if errors:
        codes = {error.code for error in errors}
        code = codes.pop() if len(codes) == 1 else None
        detail = errors[0].message if len(errors) == 1 else f"{len(errors)} lines are not acceptable."
        raise Invalid(detail, code=code, errors=errors[:50])
    figures = _figures(order, inputs, pointer)
    for order_line, taxed, shared in zip(lines, figures.lines, figures.shared, strict=True):
        order_line.order_discount_minor = shared.minor
        order_line.discount_minor = taxed.discount.minor
        order_line.net_minor = taxed.net.minor
        order_line.tax_minor = taxed.tax.minor
        order_line.gross_minor = taxed.gross.minor
    order.lines = lines
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
        description=product.name,
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


def require_holdable(order: Order) -> None:
    """Refuse to hold an order that has ended."""
    if order.state not in HOLDABLE:
        raise IllegalTransition(
            f"This order is {order.state}; nothing of it can be held back.",
            state=str(order.state),
            allowed_actions=order.allowed_actions,
        )


def require_draft(order: Order) -> None:
    """Refuse to change what was agreed once an order is confirmed or has ended."""
    if order.state != OrderState.DRAFT:
        raise IllegalTransition(
            f"This order is {order.state}; only a draft can be changed.",
            state=str(order.state),
            allowed_actions=order.allowed_actions,
        )


def active_hold_ids(order: Order) -> set[UUID]:
    """The holds that keep an order back now."""
    return {hold.id for hold in order.holds}
