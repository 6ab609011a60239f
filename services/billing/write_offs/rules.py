"""Rules of write-offs: which account bears what, how much may be given up, and when tax is corrected."""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from services.billing.ledger.chart import ROLE_BAD_DEBTS, ROLE_BANK_FEES, ROLE_DISCOUNTS, ROLE_ROUNDING
from shared.context.lifecycle import Lifecycle
from shared.contracts.orders import TaxBreakdownRow
from shared.values.faults import FieldError, Invalid, Refused
from shared.values.money import Money, currency_digits, half_up, largest_remainder, total

RECORDED, REVERSED = "recorded", "reversed"
LIFECYCLE = Lifecycle("write_off", (RECORDED, "reverse", REVERSED), initial=RECORDED)

Kind = Literal["cash_discount", "bank_fee", "rounding", "bad_debt"]
CASH_DISCOUNT: Final = "cash_discount"
BAD_DEBT: Final = "bad_debt"
ROUNDING: Final = "rounding"
ACCOUNTS: Final[dict[str, str]] = {
    CASH_DISCOUNT: ROLE_DISCOUNTS,
    "bank_fee": ROLE_BANK_FEES,
    ROUNDING: ROLE_ROUNDING,
    BAD_DEBT: ROLE_BAD_DEBTS,
}
"""The account that bears what is given up."""
NAMES: Final[dict[str, str]] = {
    CASH_DISCOUNT: "Cash discount",
    "bank_fee": "Bank fee",
    ROUNDING: "Rounding difference",
    BAD_DEBT: "Bad debt",
}
RELIEF_AFTER_MONTHS: Final = 6
RELIEF_UNTIL_MONTHS: Final = 54


class NotWritable(Refused):
    """Only what is open of a finalized invoice can be given up."""

    code = "not_writable"


class OverWrittenOff(Refused):
    """More would be given up than is open of the invoice, or than was not credited before."""

    code = "over_written_off"


class TooLargeToRound(Invalid):
    """A rounding difference is at most one unit of the currency."""

    code = "rounding_too_large"


class ReliefRefused(Refused):
    """The country's rule does not let tax of a bad debt be corrected on this day."""

    code = "tax_relief_refused"


@dataclass(frozen=True, slots=True)
class Claim:
    """When a claim was due, and when was supplied what it is for."""

    due_on: date
    supplied_on: date

    @property
    def since(self) -> date:
        """The later of the two."""
        return max(self.due_on, self.supplied_on)


def months_after(day: date, months: int) -> date:
    """The same day of a later month, or its last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def corrects_tax(kind: str, *, country: str, claim: Claim, day: date, told: bool | None) -> bool:
    """Whether output tax is corrected when an amount is given up on a day.

    - cash_discount: at once, as the price is reduced after the supply (Directive 2006/112/EC, art. 90 (1); § 17 (1)
      UStG).
    - bank_fee, rounding: never. The customer has paid the price.
    - bad_debt: art. 90 (2) leaves it to the country. GB: relief from six months to four years and six months after the
      later of due date and supply (VAT Act 1994, s. 36; SI 1995/2518, reg. 165A; Notice 700/18, 2). DE: at once, when
      the debt is uncollectible (§ 17 (2) no. 1 UStG). Elsewhere only when told, since conditions differ (court
      orders, notices to the debtor). `told` False leaves the tax as it is everywhere.

    Raises ReliefRefused where told to against the rule.
    """
    if kind != BAD_DEBT:
        return kind == CASH_DISCOUNT
    if told is False:
        return False
    if country != "GB":
        return country == "DE" or told is True
    first = months_after(claim.since, RELIEF_AFTER_MONTHS)
    last = months_after(claim.since, RELIEF_UNTIL_MONTHS)
    if told and not first <= day <= last:
        raise ReliefRefused(
            f"Relief for this debt can be had from {first} to {last} (VAT Act 1994, s. 36).",
            earliest=first,
            latest=last,
        )
    return first <= day <= last


def require_kind_allows(kind: str, amount: Money, told: bool | None) -> None:
    """Refuse a rounding difference above one unit of the currency, and tax told of where it is not in question."""
    if kind == ROUNDING:
        require_small(amount)
    if kind != BAD_DEBT and told is not None:
        raise Invalid.field("/correct_tax", "not_applicable", "Only of a bad debt can this be said.")


def require_small(rounding: Money) -> None:
    """Refuse rounding differences of an invoice that come to more than one unit of the currency."""
    limit = Money(10 ** currency_digits(rounding.currency), rounding.currency)
    if rounding > limit:
        sentence = f"Rounding differences of an invoice come to {limit} at most; say what this is."
        raise TooLargeToRound(sentence, errors=[FieldError("/amount", TooLargeToRound.code, sentence)])


def spread(
    amount: Money, invoiced: Sequence[TaxBreakdownRow], taken: Sequence[TaxBreakdownRow]
) -> list[TaxBreakdownRow]:
    """The part of each tax row that an amount with tax takes away, base and tax: in proportion to what is left of it.

    Shares sum to the amount (largest remainder); the tax of a share is rounded once, and what takes all of a row takes
    all its tax. `taken` are the rows of credit notes and standing write-offs. Raises OverWrittenOff.
    """
    left = _left(invoiced, taken)
    whole = sum((base + tax).minor for base, tax in left.values())
    if amount.minor > whole:
        raise OverWrittenOff(
            "What is open of this invoice was credited before. Allocate the credit note to it instead.",
            left={"amount": Money(max(whole, 0), amount.currency).text, "currency": amount.currency},
        )
    grosses = [(base + tax).minor for base, tax in left.values()]
    shares = largest_remainder(amount.minor, [amount.minor * gross for gross in grosses], whole)
    rows = []
    for (key, (_, tax_left)), gross, share in zip(left.items(), grosses, shares, strict=True):
        if share:
            tax = Money(half_up(share * tax_left.minor, gross), amount.currency)
            base = Money(share, amount.currency) - tax
            rows.append(TaxBreakdownRow(tax_code=key[0], category=key[1], rate=key[2], base=base, tax=tax))
    return rows


def _left(
    invoiced: Sequence[TaxBreakdownRow], taken: Sequence[TaxBreakdownRow]
) -> dict[tuple[str, str, Decimal], tuple[Money, Money]]:
    """Base and tax of each row that nothing has taken away yet."""
    left = {(r.tax_code, r.category, r.rate): (r.base, r.tax) for r in invoiced}
    for row in taken:
        base, tax = left[row.tax_code, row.category, row.rate]
        left[row.tax_code, row.category, row.rate] = base - row.base, tax - row.tax
    return left


def tax_of(rows: Sequence[TaxBreakdownRow], currency: str) -> Money:
    """How much less tax is owed."""
    return total((row.tax for row in rows), currency)
