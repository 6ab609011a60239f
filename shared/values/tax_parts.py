"""Tax of a document that is taken in parts: an order shipped in several shipments, an invoice credited bit by bit.

Each part is a document of its own and must obey the law's arithmetic by itself: its tax is the rate on its base. So
that all parts together also sum to the whole, tax is computed on what was taken so far, this part included, less the
tax stated before. A part's tax may therefore differ from rate × base by one minor unit, which EN 16931-1 (BR-CO-17)
tolerates in its official validation. Source: Directive 2006/112/EC art. 226 (10), tax payable per rate; ADR 0007.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from shared.values.money import Money, half_up, largest_remainder, total
from shared.values.tax import Prices, TaxedLine, TaxGroup, TaxMode, factor_of, tax_on

_Key = tuple[str, Decimal, str]


@dataclass(frozen=True, slots=True)
class PartlyTaken:
    """A line of the whole document, and what earlier parts took of it, as they stated it."""

    figures: TaxedLine
    quantity: Decimal
    tax_code: str
    rate: Decimal
    category: str
    taken_quantity: Decimal
    taken: TaxedLine


@dataclass(frozen=True, slots=True)
class _Part:
    """A line's share before tax: its amount (with tax for gross prices) and discount."""

    line: PartlyTaken
    amount: Money
    discount: Money


def tax_parts(
    lines: Sequence[PartlyTaken], parts: Mapping[int, Decimal], mode: TaxMode, currency: str
) -> dict[int, TaxedLine]:
    """The figures of one part: so much (`parts`, by index) of some `lines` of a whole document.

    Amount and discount of a line are its rounded share of the quantity so far, less what was taken. Tax is rounded once
    per tax code, rate and category on the amount taken so far (per line with `line` rounding), less what was taken, and
    shared among the part's lines by largest remainder; when all of a group is taken its tax is the whole document's.
    Raises ValueError when more is taken of a line than it has, or nothing; CurrencyMismatch.
    """
    cut = {index: _cut(lines[index], part, mode.prices) for index, part in parts.items()}
    groups: dict[tuple[object, ...], list[int]] = {}
    for index in range(len(lines)):
        line = lines[index]
        own = index if mode.rounding == "line" else None
        groups.setdefault((line.tax_code, line.rate, line.category, own), []).append(index)
    taxes: dict[int, Money] = {}
    for members in groups.values():
        taken = [index for index in members if index in cut]
        if taken:
            tax = _tax_now([lines[i] for i in members], [cut[i].amount for i in taken], mode.prices, currency)
            shares = _spread(tax, [cut[i].amount for i in taken], lines[taken[0]].rate, mode.prices)
            taxes |= zip(taken, shares, strict=True)
    return {index: _completed(part, taxes[index], mode.prices) for index, part in cut.items()}


@dataclass(frozen=True, slots=True)
class RatedAmount:
    """An amount of a part in the terms of its price, after `discount`, with the tax that holds for the part."""

    tax_code: str
    rate: Decimal
    category: str
    amount: Money
    discount: Money

    @property
    def key(self) -> _Key:
        """With which other amounts it is taxed together."""
        return self.tax_code, self.rate, self.category


def cut_part(line: PartlyTaken, part: Decimal, prices: Prices) -> RatedAmount:
    """What of a line's amount and discount belongs to a part of its quantity, to be taxed at the line's rate.

    Raises ValueError when more is taken of a line than it has, or nothing.
    """
    cut = _cut(line, part, prices)
    return RatedAmount(line.tax_code, line.rate, line.category, cut.amount, cut.discount)


def tax_at_rates(
    amounts: Sequence[RatedAmount], stated: Iterable[TaxGroup], prices: Prices, currency: str
) -> list[TaxedLine]:
    """The figures of one part of a document whose tax rates may have changed since it was agreed.

    What the price fixes of an amount (net, or gross) stays. `stated` is what earlier parts stated by tax code, rate and
    category: tax is rounded once for each of them on the amount so far, this part included, less what was stated, so
    that a changed rate starts a sum of its own; it is shared among the part's amounts by largest remainder.
    Source: Directive 2006/112/EC art. 63 and 93: the rate is the one in force at the supply; ADR 0039.
    """
    before = {(group.tax_code, group.rate, group.category): group for group in stated}
    groups: dict[_Key, list[int]] = {}
    for index, each in enumerate(amounts):
        groups.setdefault(each.key, []).append(index)
    found: dict[int, TaxedLine] = {}
    for key, members in groups.items():
        parts = [amounts[index].amount for index in members]
        tax = _tax_added(before.get(key), total(parts, currency), key[1], prices)
        for index, share in zip(members, _spread(tax, parts, key[1], prices), strict=True):
            found[index] = _completed(amounts[index], share, prices)
    return [found[index] for index in range(len(amounts))]


def most_deductible(
    amounts: Sequence[RatedAmount],
    deduction: RatedAmount,
    stated: Iterable[TaxGroup],
    prices: Prices,
    currency: str,
) -> Money:
    """How much of a negative amount a part can bear without having a gross below zero; all of it where it can."""
    before = {(group.tax_code, group.rate, group.category): group for group in stated}

    def bears(minor: int) -> bool:
        sums: dict[_Key, int] = {}
        for each in (*amounts, replace(deduction, amount=Money(minor, currency))):
            sums[each.key] = sums.get(each.key, 0) + each.amount.minor
        gross = sum(sums.values())
        if prices == "net":
            for key, part in sums.items():
                gross += _tax_added(before.get(key), Money(part, currency), key[1], prices).minor
        return gross >= 0

    if bears(deduction.amount.minor):
        return deduction.amount
    too_much, borne = deduction.amount.minor, 0
    while borne - too_much > 1:
        middle = (borne + too_much) // 2
        too_much, borne = (too_much, middle) if bears(middle) else (middle, borne)
    return Money(borne, currency)


def _tax_added(before: TaxGroup | None, now: Money, rate: Decimal, prices: Prices) -> Money:
    """The tax that an amount adds to what was stated of its rate; never against the amount's sign."""
    if before is None:
        return tax_on(now, rate, prices)
    so_far = before.base + before.tax if prices == "gross" else before.base
    tax = tax_on(so_far + now, rate, prices) - before.tax
    return Money.zero(now.currency) if tax.minor * now.minor < 0 else tax


def _cut(line: PartlyTaken, part: Decimal, prices: Prices) -> _Part:
    """What of a line's amount and discount belongs to a part of its quantity."""
    if part == 0 or line.quantity == 0:
        raise ValueError("a part and the quantity it belongs to must not be zero")
    upto = line.taken_quantity + part
    if not min(line.quantity, Decimal(0)) <= upto <= max(line.quantity, Decimal(0)):
        raise ValueError(
            f"part {part} after {line.taken_quantity} is beyond the line's quantity {line.quantity}"
        )
    amount = _amount(line.figures, prices).share(upto, line.quantity) - _amount(line.taken, prices)
    discount = line.figures.discount.share(upto, line.quantity) - line.taken.discount
    return _Part(line, amount, discount)


def _amount(figures: TaxedLine, prices: Prices) -> Money:
    return figures.gross if prices == "gross" else figures.net


def _tax_now(
    members: Sequence[PartlyTaken], amounts: Iterable[Money], prices: Prices, currency: str
) -> Money:
    """The tax that a part adds to what a group of lines has stated so far; never against the sign of its amount.

    It could be where earlier parts stated more than their rate, as those before this rule did.
    """
    now = total(amounts, currency)
    whole = total((_amount(line.figures, prices) for line in members), currency)
    stated = total((line.taken.tax for line in members), currency)
    upto = total((_amount(line.taken, prices) for line in members), currency) + now
    due, all_due = (
        tax_on(upto, members[0].rate, prices),
        total((line.figures.tax for line in members), currency),
    )
    if upto == whole or (abs(upto) < abs(whole) and abs(due) > abs(all_due)):
        due = all_due
    tax = due - stated
    return Money.zero(currency) if tax.minor * now.minor < 0 else tax


def _spread(tax: Money, amounts: Sequence[Money], rate: Decimal, prices: Prices) -> list[Money]:
    """The tax of each line of a part; together exactly `tax`."""
    factor = factor_of(rate, prices)
    exact = [amount.minor * factor.numerator for amount in amounts]
    near = half_up(sum(exact), factor.denominator)
    try:
        shares = largest_remainder(tax.minor, exact, factor.denominator)
    except ValueError:  # earlier parts stated another tax than their rate's: this one makes up for it
        shares = largest_remainder(near, exact, factor.denominator)
        largest = max(range(len(amounts)), key=lambda index: abs(amounts[index].minor))
        shares[largest] += tax.minor - near
    return [Money(share, tax.currency) for share in shares]


def _completed(part: _Part | RatedAmount, tax: Money, prices: Prices) -> TaxedLine:
    if prices == "gross":
        return TaxedLine(part.amount - tax, tax, part.amount, part.discount)
    return TaxedLine(part.amount, tax, part.amount + tax, part.discount)
