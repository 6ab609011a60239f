"""Unit prices: exact, and finer than the currency where trade needs it (0.0125 EUR a screw).

Only what one unit costs may be finer; a price times a quantity is `Money`, rounded once. Up to six decimals, whatever
the currency has. Source: EN 16931-1:2017, BT-146 is a unit price amount, not limited to the currency's decimals.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final, Self

from shared.values.money import MAX_MINOR, Money, MoneyFormatError, MoneyOutOfRange, currency_digits, half_up

MOST_DECIMALS: Final = 6
"""Decimals of a unit price at most, of its currency's major unit."""

_AMOUNT: Final = re.compile(r"-?(0|[1-9][0-9]*)(?:\.([0-9]+))?")
_LONGEST_TEXT: Final = 40


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """What one unit costs: `minor` minor units of an ISO 4217 `currency`, which need not be whole.

    Raises MoneyOutOfRange beyond the largest amount, MoneyFormatError for more than six decimals, UnknownCurrency.
    """

    minor: Decimal
    currency: str

    def __post_init__(self) -> None:
        """Refuse what no price may be."""
        finest = currency_digits(self.currency) - MOST_DECIMALS
        if not -MAX_MINOR <= self.minor <= MAX_MINOR:
            raise MoneyOutOfRange(f"price beyond ±{MAX_MINOR} minor units of {self.currency}")
        exponent = self.minor.as_tuple().exponent
        if not isinstance(exponent, int) or (exponent < finest and self.minor % Decimal(1).scaleb(finest)):
            raise MoneyFormatError(f"a price with more than {MOST_DECIMALS} decimals ({self.currency})")

    @classmethod
    def of(cls, money: Money) -> Self:
        """The price of that amount."""
        return cls(Decimal(money.minor), money.currency)

    @classmethod
    def of_amount(cls, amount: Decimal, currency: str) -> Self:
        """The price of a decimal amount (major units), as it is."""
        return cls(amount.scaleb(currency_digits(currency)), currency)

    @classmethod
    def parse(cls, text: str, currency: str) -> Self:
        """Read an amount with at least the currency's decimals and at most six.

        ASCII digits, an optional `-`; no plus, exponent, blanks, separators, needless leading zeros or negative zero.
        Raises MoneyFormatError, MoneyOutOfRange or UnknownCurrency.
        """
        digits = currency_digits(currency)
        match = _AMOUNT.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
        if match is None or not digits <= len(match[2] or "") <= MOST_DECIMALS:
            raise MoneyFormatError(f"not a price with {digits} to {MOST_DECIMALS} decimals ({currency})")
        amount = Decimal(text)
        if not amount and text.startswith("-"):
            raise MoneyFormatError("zero has no sign")
        return cls.of_amount(amount, currency)

    @property
    def amount(self) -> Decimal:
        """The price in major units."""
        return self.minor.scaleb(-currency_digits(self.currency))

    @property
    def text(self) -> str:
        """The price without its currency: at least the currency's decimals, no further trailing zeros."""
        return _text(self.minor, currency_digits(self.currency))

    @property
    def rounded(self) -> Money:
        """The price to the currency's decimals."""
        return self.times(Decimal(1))

    @property
    def is_fine(self) -> bool:
        """Whether it is finer than its currency."""
        return self.minor != self.minor.to_integral_value()

    def __neg__(self) -> "UnitPrice":
        """The opposite price."""
        return UnitPrice(-self.minor, self.currency)

    def __str__(self) -> str:
        """Price and currency, for messages: `0.0125 EUR`."""
        return f"{self.text} {self.currency}"

    def times(self, quantity: Decimal) -> Money:
        """Multiply by a quantity exactly, then round half-up once. Raises MoneyOutOfRange."""
        above, below = self.minor.as_integer_ratio()
        units, unit = quantity.as_integer_ratio()
        return Money(half_up(above * units, below * unit), self.currency)

    def share(self, part: Decimal | Fraction, whole: Decimal | Fraction) -> Money:
        """`part / whole` of this price, rounded half-up once. Raises MoneyOutOfRange."""
        ratio = Fraction(*self.minor.as_integer_ratio()) * Fraction(part) / Fraction(whole)
        return Money(half_up(ratio.numerator, ratio.denominator), self.currency)


@lru_cache(maxsize=4096)
def _text(minor: Decimal, digits: int) -> str:
    text = f"{minor.scaleb(-digits):f}"
    whole, _, decimals = text.partition(".")
    decimals = decimals.rstrip("0").ljust(digits, "0")
    return f"{whole}.{decimals}" if decimals else whole
