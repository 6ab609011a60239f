"""The one tax function: orders, invoices and credit notes all take their figures from here.

Pure: lines and a mode in, rounded figures out. Whoever calls it stores the answer; nobody recomputes it, so
an invoice can't differ from its order by a cent. Sources: EN 16931-1 business rules BR-CO-10/14/15/17 and
BR-S-08/09; design/architecture.md section 7; odoo#34842 for tax-inclusive prices. All roundings are half-up
(away from zero), hence a credit note with negated quantities is the exact mirror of its invoice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

from shared.values.money import CurrencyMismatch, Money, largest_remainder, total
from shared.values.prices import UnitPrice

Prices = Literal["net", "gross"]
"""Whether unit prices exclude (`net`) or include (`gross`) tax."""
Rounding = Literal["document", "line"]
"""Whether tax is rounded once per code and rate, or on each line."""

_HUNDRED: Final = Decimal(100)
# Categories of UNTDID 5305 whose rate is nought by definition (BR-Z-05, BR-E-05, BR-AE-05, BR-IC-05, BR-G-05,
# BR-O-05): zero rated, exempt, reverse charge, intra-community, export, outside the scope of tax.
_RATELESS: Final = frozenset({"Z", "E", "AE", "K", "G", "O"})


@dataclass(frozen=True, slots=True)
class TaxMode:
    """How a tenant prices and rounds; the document's figures follow from it and its lines alone."""

    prices: Prices = "net"
    rounding: Rounding = "document"


@dataclass(frozen=True, slots=True)
class TaxInput:
    """A line to be taxed.

    `quantity` may be negative (credit). `unit_price` excludes or includes tax by the mode's `prices`.
    `discount_percent` and `rate` are per cent, 0..100 and 0 or more. `category` is the EN 16931 (UNTDID 5305)
    code: S, Z, E, ... A discount on the whole document is shared over what is `discountable`.
    Raises ValueError for a figure out of bounds or a rate in a category that has none.
    """

    quantity: Decimal
    unit_price: Money | UnitPrice
    tax_code: str
    rate: Decimal
    category: str = "S"
    discount_percent: Decimal = Decimal(0)
    discountable: bool = True

    def __post_init__(self) -> None:
        """Refuse figures no document may state."""
        if not self.quantity.is_finite():
            raise ValueError("a quantity must be a finite number")
        if not (self.rate.is_finite() and self.rate >= 0):
            raise ValueError("a tax rate must be zero or more per cent")
        if not (self.discount_percent.is_finite() and 0 <= self.discount_percent <= _HUNDRED):
            raise ValueError("a discount must be from 0 to 100 per cent")
        if self.rate != 0 and self.category in _RATELESS:
            raise ValueError(f"tax category {self.category} has no rate, got {self.rate}")


@dataclass(frozen=True, slots=True)
class TaxedLine:
    """A line's figures: `net` + `tax` = `gross`, all after `discount`.

    `discount` is in the terms of the price: without tax for net prices, with tax for gross prices.
    """

    net: Money
    tax: Money
    gross: Money
    discount: Money


@dataclass(frozen=True, slots=True)
class TaxGroup:
    """Tax of one code, rate and category: `base` (EN 16931 BT-116) and `tax` (BT-117)."""

    tax_code: str
    rate: Decimal
    category: str
    base: Money
    tax: Money


@dataclass(frozen=True, slots=True)
class Totals:
    """A document's totals: `net` + `tax` = `gross` (EN 16931 BT-109, BT-110, BT-112)."""

    net: Money
    tax: Money
    gross: Money


class StoredFigures:
    """For rows that keep their figures in minor units: net, tax and gross as money."""

    __slots__ = ()
    currency: str
    net_minor: int
    tax_minor: int
    gross_minor: int

    @property
    def net(self) -> Money:
        """Without tax."""
        return Money(self.net_minor, self.currency)

    @property
    def tax(self) -> Money:
        """The tax on it."""
        return Money(self.tax_minor, self.currency)

    @property
    def gross(self) -> Money:
        """With tax."""
        return Money(self.gross_minor, self.currency)


@dataclass(frozen=True, slots=True)
class DocumentDiscount:
    """What is taken off a document as a whole, after the lines' own: `percent` of its lines, or an `amount`.

    The amount is in the terms of the prices: without tax for net prices, with tax for gross prices.
    """

    percent: Decimal | None = None
    amount: Money | None = None


class DiscountTooLarge(ValueError):  # noqa: N818 - a refusal named by its rule
    """More would be taken off a document than its lines come to."""


@dataclass(frozen=True, slots=True)
class TaxedDocument:
    """All figures of a document: the lines in input order sum exactly to the breakdown and the totals.

    `shared` is each line's share of the document's discount, which the line's `discount` includes.
    """

    lines: tuple[TaxedLine, ...]
    totals: Totals
    tax_breakdown: tuple[TaxGroup, ...]
    shared: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class _Priced:
    """A line's amount after discount, with or without tax by the price mode; rounded."""

    amount: Money
    discount: Money


def tax_document(
    lines: Sequence[TaxInput], mode: TaxMode, currency: str, discount: DocumentDiscount | None = None
) -> TaxedDocument:
    """Compute the net, tax and gross of every line, of every tax rate and of the whole document.

    Line amount = quantity × unit price × (100 − discount) per cent, rounded once. Then, per code, rate and
    category: with `document` rounding tax is rounded once on the sum of the rounded lines and its line shares
    follow by largest remainder; with `line` rounding tax is the sum of the lines' rounded taxes. With gross
    prices the gross is fixed, the net rounded, and tax = gross − net. The breakdown is in order of first
    appearance. A `discount` on the whole is shared over the lines' amounts by largest remainder before they are taxed.
    Raises CurrencyMismatch when a price is not in `currency`; MoneyOutOfRange; DiscountTooLarge.
    """
    priced = [_price(line, currency) for line in lines]
    shared = _shares(lines, priced, discount, currency) if discount else [Money.zero(currency)] * len(lines)
    priced = [_Priced(x.amount - off, x.discount + off) for x, off in zip(priced, shared, strict=True)]
    groups: dict[tuple[str, Decimal, str], list[int]] = {}
    for index, line in enumerate(lines):
        groups.setdefault((line.tax_code, line.rate, line.category), []).append(index)
    taxes = [Money.zero(currency)] * len(lines)
    for (_, rate, _), members in groups.items():
        amounts = [priced[index].amount for index in members]
        for index, tax in zip(members, _group_taxes(amounts, rate, mode, currency), strict=True):
            taxes[index] = tax
    taxed = tuple(_taxed(price, tax, mode.prices) for price, tax in zip(priced, taxes, strict=True))
    breakdown = tuple(
        TaxGroup(
            code,
            rate,
            category,
            base=total((taxed[index].net for index in members), currency),
            tax=total((taxed[index].tax for index in members), currency),
        )
        for (code, rate, category), members in groups.items()
    )
    return TaxedDocument(taxed, _totals(taxed, currency), breakdown, tuple(shared))


def _shares(
    lines: Sequence[TaxInput], priced: Sequence[_Priced], discount: DocumentDiscount, currency: str
) -> list[Money]:
    """Each line's share of the discount on the whole: by its amount, never more; nothing of negative lines."""
    amounts = [
        x.amount.minor if line.discountable and x.amount.minor > 0 else 0
        for line, x in zip(lines, priced, strict=True)
    ]
    base = Money(sum(amounts), currency)
    whole = discount.amount
    if whole is None:
        whole = base.share(discount.percent or Decimal(0), _HUNDRED)
    if whole > base:
        raise DiscountTooLarge(f"a discount of {whole} on lines of {base}")
    return whole.split(amounts) if whole.minor else [Money.zero(currency)] * len(lines)


def _price(line: TaxInput, currency: str) -> _Priced:
    """Quantity × unit price × what the discount leaves, rounded once; the discount is what is missing to the whole."""
    if line.unit_price.currency != currency:
        raise CurrencyMismatch(f"price in {line.unit_price.currency} on a document in {currency}")
    whole = line.unit_price.times(line.quantity)
    if not line.discount_percent:
        return _Priced(whole, Money.zero(currency))
    left = Fraction(line.quantity) * Fraction(_HUNDRED - line.discount_percent)
    amount = line.unit_price.share(left, Fraction(_HUNDRED))
    return _Priced(amount, whole - amount)


def tax_on(amount: Money, rate: Decimal, prices: Prices) -> Money:
    """Tax on (net prices) or within (gross prices) an amount, by the one named rounding of its mode.

    Gross: the net is rounded and tax is what remains, never rounded itself (odoo#34842: 8.01 became 8.02).
    """
    if prices == "net":
        return amount.share(rate, _HUNDRED)
    return amount - amount.share(_HUNDRED, _HUNDRED + rate)


def factor_of(rate: Decimal, prices: Prices) -> Fraction:
    """What share of an amount its tax is, exactly."""
    return Fraction(rate) / Fraction(_HUNDRED if prices == "net" else _HUNDRED + rate)


def _group_taxes(amounts: Sequence[Money], rate: Decimal, mode: TaxMode, currency: str) -> list[Money]:
    """Tax of each line of one rate; they sum to the group's tax."""
    if mode.rounding == "line":
        return [tax_on(amount, rate, mode.prices) for amount in amounts]
    tax = tax_on(total(amounts, currency), rate, mode.prices)
    factor = factor_of(rate, mode.prices)
    exact = [amount.minor * factor.numerator for amount in amounts]
    shares = largest_remainder(tax.minor, exact, factor.denominator)
    return [Money(share, currency) for share in shares]


def _taxed(priced: _Priced, tax: Money, prices: Prices) -> TaxedLine:
    """Complete a line: the figure its price fixes, its tax, and what follows."""
    if prices == "net":
        return TaxedLine(priced.amount, tax, priced.amount + tax, priced.discount)
    return TaxedLine(priced.amount - tax, tax, priced.amount, priced.discount)


def _totals(lines: Sequence[TaxedLine], currency: str) -> Totals:
    """Sum the lines (BR-CO-10, BR-CO-14); gross = net + tax (BR-CO-15)."""
    net = total((line.net for line in lines), currency)
    tax = total((line.tax for line in lines), currency)
    return Totals(net, tax, net + tax)
