"""Exact money: whole minor units and a currency, never a float.

Every amount the suite keeps, sends or posts is a `Money`. It refuses to mix currencies, rounds half-up
(away from zero, so that a credit note mirrors its invoice) at one named place, and splits without losing
a cent. Source of the rules: design/architecture.md section 7 and ISO 4217.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, InvalidOperation
from fractions import Fraction
from math import lcm
from typing import Final, Self

from babel.core import get_global
from babel.numbers import get_currency_precision, get_territory_currencies

MAX_MINOR: Final = 9_000_000_000_000_000
"""Largest amount in minor units: 1,000 of them still sum within PostgreSQL's bigint (9.22e18)."""

# CLDR (and so babel) states the digits customary in cash, which for these currencies are fewer than the
# minor unit of ISO 4217. Compared with ISO 4217 table A.1 published 2026-01-01 (SIX, list-one.xml); SLL,
# which left that list in 2024, had 2 there. All other accepted currencies agree (JPY 0, KWD 3, EUR 2, ...).
_ISO_4217_DIGITS: Final = {
    "AFN": 2,
    "ALL": 2,
    "IQD": 3,
    "IRR": 2,
    "KPW": 2,
    "LAK": 2,
    "LBP": 2,
    "MGA": 2,
    "MMK": 2,
    "RSD": 2,
    "SLL": 2,
    "SOS": 2,
    "SYP": 2,
    "YER": 2,
}
# Legal tender somewhere on or after this day is accepted, so that books may carry history (HRK, BGN) but
# not metals, funds or test codes (XAU, USN, XTS), which have no minor unit to count in.
_TENDER_FROM: Final = date(2020, 1, 1)
_TENDER_TO: Final = date(2026, 12, 31)
_AMOUNT: Final = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?")
_LONGEST_TEXT: Final = 40
_EXACT: Final = Context(prec=80, rounding=ROUND_HALF_UP, traps=[Inexact, InvalidOperation])
_ROUNDING: Final = Context(prec=80, rounding=ROUND_HALF_UP, traps=[InvalidOperation])


def _known_currencies() -> dict[str, int]:
    """Map each accepted ISO 4217 code to its number of decimals."""
    codes: set[str] = set()
    for territory in get_global("territory_currencies"):
        codes.update(get_territory_currencies(territory, _TENDER_FROM, _TENDER_TO))
    return {code: _ISO_4217_DIGITS.get(code, get_currency_precision(code)) for code in sorted(codes)}


CURRENCY_DIGITS: Final[dict[str, int]] = _known_currencies()
"""Accepted ISO 4217 currency codes, each with its number of decimals."""


class UnknownCurrency(ValueError):  # noqa: N818 - a refusal named by its rule
    """A currency code that is not a current (since 2020) ISO 4217 legal tender."""


class CurrencyMismatch(ValueError):  # noqa: N818 - a refusal named by its rule
    """Two amounts in different currencies were added, compared or prorated; convert first."""


class MoneyOutOfRange(ValueError):  # noqa: N818 - a refusal named by its rule
    """An amount beyond ±9,000,000,000,000,000 minor units."""


class MoneyFormatError(ValueError):
    """A text that is not an amount with exactly its currency's decimals."""


def currency_digits(currency: str) -> int:
    """Number of decimals (ISO 4217 minor unit) of a currency: JPY 0, EUR 2, KWD 3.

    Raises UnknownCurrency, naming the code, when it is not accepted.
    """
    digits = CURRENCY_DIGITS.get(currency)
    if digits is None:
        raise UnknownCurrency(f"unknown currency {currency!r}")
    return digits


def largest_remainder(total: int, numerators: Sequence[int], denominator: int) -> list[int]:
    """Turn exact shares (`numerators / denominator`, in minor units) into whole ones that sum to `total`.

    `total` is the sum of the shares rounded to a whole number. Each share is rounded down, and the missing
    units go to the largest remainders (Hamilton's method), the earlier share on a tie. Nothing is given to a
    zero share, and negating everything negates the result. Raises ValueError when `total` is not a rounding
    of the shares' sum.
    """
    lead = (total, sum(numerators), *numerators)
    sign = next((1 if value > 0 else -1 for value in lead if value != 0), 1)
    divided = [divmod(numerator * sign, denominator) for numerator in numerators]
    shares = [whole for whole, _ in divided]
    receivers = [index for index, (_, remainder) in enumerate(divided) if remainder]
    missing = total * sign - sum(shares)
    if not 0 <= missing <= len(receivers):
        raise ValueError(f"{total} is not a rounding of the sum of its {len(numerators)} shares")
    receivers.sort(key=lambda index: -divided[index][1])
    for index in receivers[:missing]:
        shares[index] += 1
    return [share * sign for share in shares]


def half_up(numerator: int, denominator: int) -> int:
    """Round a fraction to a whole number, halves away from zero."""
    magnitude = (2 * abs(numerator) + abs(denominator)) // (2 * abs(denominator))
    return magnitude if (numerator < 0) == (denominator < 0) else -magnitude


@dataclass(frozen=True, slots=True, init=False)
class Money:
    """An exact amount: `minor` whole minor units (cents, yen, fils) of an ISO 4217 `currency`.

    Equal only to the same amount in the same currency; ordering across currencies is refused.
    """

    minor: int
    currency: str

    def __init__(self, minor: int, currency: str) -> None:
        """Refuse an unknown currency, a non-integer and an amount out of range."""
        currency_digits(currency)
        if type(minor) is not int:
            raise TypeError(f"minor units are an int, not {type(minor).__name__}")
        if not -MAX_MINOR <= minor <= MAX_MINOR:
            raise MoneyOutOfRange(f"amount beyond ±{MAX_MINOR} minor units of {currency}")
        _set_minor(self, minor)
        _set_currency(self, currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in a currency."""
        return cls(0, currency)

    @classmethod
    def parse(cls, text: str, currency: str) -> Self:
        """Read the canonical text of an amount, as `text` writes it (API conventions, api.md section 1).

        Exactly the currency's decimals, ASCII digits, an optional `-`; no plus, exponent, blanks, separators,
        needless leading zeros or negative zero. Raises MoneyFormatError, MoneyOutOfRange or UnknownCurrency.
        """
        digits = currency_digits(currency)
        match = _AMOUNT.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
        if match is None or len(match[3] or "") != digits:
            raise MoneyFormatError(f"not an amount with exactly {digits} decimals ({currency})")
        minor = int(match[2] + (match[3] or ""))
        if minor == 0 and match[1]:
            raise MoneyFormatError("zero has no sign")
        return cls(-minor if match[1] else minor, currency)

    @classmethod
    def of(cls, amount: Decimal, currency: str) -> Self:
        """Round a decimal amount (major units) half-up to the currency's minor unit.

        Raises MoneyOutOfRange when too large, ValueError when not finite, UnknownCurrency.
        """
        digits = currency_digits(currency)
        if not amount.is_finite():
            raise ValueError("an amount must be a finite number")
        try:
            rounded = amount.quantize(Decimal(1).scaleb(-digits), context=_ROUNDING)
        except InvalidOperation:
            raise MoneyOutOfRange(f"amount beyond ±{MAX_MINOR} minor units of {currency}") from None
        return cls(int(rounded.scaleb(digits, context=_ROUNDING)), currency)

    @property
    def amount(self) -> Decimal:
        """The amount in major units, with the currency's decimals."""
        return Decimal(self.minor).scaleb(-currency_digits(self.currency))

    @property
    def text(self) -> str:
        """The canonical text of the amount, without the currency: `18.06`, `-0.50`, `1806` (JPY)."""
        digits = CURRENCY_DIGITS[self.currency]
        if not digits:
            return str(self.minor)
        shown = str(abs(self.minor)).zfill(digits + 1)
        sign = "-" if self.minor < 0 else ""
        return f"{sign}{shown[:-digits]}.{shown[-digits:]}"

    @property
    def is_zero(self) -> bool:
        """Whether the amount is nothing."""
        return self.minor == 0

    def __str__(self) -> str:
        """Amount and currency, for messages: `18.06 EUR`."""
        return f"{self.text} {self.currency}"

    def __add__(self, other: "Money") -> "Money":
        """Sum; raises CurrencyMismatch, MoneyOutOfRange."""
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        """Difference; raises CurrencyMismatch, MoneyOutOfRange."""
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        """The opposite amount."""
        return Money(-self.minor, self.currency)

    def __abs__(self) -> "Money":
        """The amount without its sign."""
        return Money(abs(self.minor), self.currency)

    def __lt__(self, other: "Money") -> bool:
        """Less than; raises CurrencyMismatch."""
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        """At most; raises CurrencyMismatch."""
        return self.minor <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        """More than; raises CurrencyMismatch."""
        return self.minor > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        """At least; raises CurrencyMismatch."""
        return self.minor >= self._same(other)

    def times(self, rate: Decimal) -> "Money":
        """Multiply by a quantity or rate exactly, then round half-up once.

        Raises MoneyOutOfRange, and ValueError for a rate that is not finite or has over 60 digits.
        """
        if not rate.is_finite():
            raise ValueError("a rate must be a finite number")
        try:
            product = _EXACT.multiply(Decimal(self.minor), rate)
        except Inexact:
            raise ValueError("a rate may have at most 60 significant digits") from None
        try:
            return Money(int(product.quantize(Decimal(1), context=_ROUNDING)), self.currency)
        except InvalidOperation:
            raise MoneyOutOfRange(f"amount beyond ±{MAX_MINOR} minor units of {self.currency}") from None

    def share(self, part: Decimal | Fraction, whole: Decimal | Fraction) -> "Money":
        """`part / whole` of this amount, rounded half-up once: prorating, and net out of gross.

        Raises ValueError when `whole` is zero or either is not finite; MoneyOutOfRange.
        """
        try:
            (above, below), (unit, units) = part.as_integer_ratio(), whole.as_integer_ratio()
        except (ValueError, OverflowError):
            unit = 0
        if unit == 0:
            raise ValueError("a share needs finite numbers and a whole that is not zero")
        return Money(half_up(self.minor * above * units, below * unit), self.currency)

    def split(self, weights: Sequence[int | Decimal]) -> list["Money"]:
        """Divide among weights by largest remainder; the parts sum exactly to the amount.

        A zero weight gets nothing; if all are zero the parts are equal. Raises ValueError without weights,
        or when weights have mixed signs (a share could then exceed the whole).
        """
        if not weights:
            raise ValueError("a split needs at least one weight")
        if min(weights) < 0 < max(weights):
            raise ValueError("the weights of a split have one sign")
        ratios = [weight.as_integer_ratio() for weight in weights]
        scale = lcm(*(below for _, below in ratios))
        whole = [abs(above) * (scale // below) for above, below in ratios]
        if not any(whole):
            whole = [1] * len(whole)
        shares = largest_remainder(self.minor, [self.minor * weight for weight in whole], sum(whole))
        return [Money(share, self.currency) for share in shares]

    def _same(self, other: "Money") -> int:
        """Minor units of another amount in this currency, or CurrencyMismatch."""
        if not isinstance(other, Money):
            raise TypeError(f"money goes with money, not {type(other).__name__}")
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not mix")
        return other.minor


# A frozen dataclass sets its fields by name, at half of what making a Money costs; these are its slots.
_set_minor: Final = Money.__dict__["minor"].__set__
_set_currency: Final = Money.__dict__["currency"].__set__


def total(monies: Iterable[Money], currency: str) -> Money:
    """Sum amounts of one currency, zero for none. Raises CurrencyMismatch, MoneyOutOfRange."""
    start = Money.zero(currency)
    return Money(sum(start._same(money) for money in monies), currency)
