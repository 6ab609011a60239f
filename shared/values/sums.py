"""Sums over many documents: money as exact as any, but wider than one document may state."""

from collections.abc import Iterable
from typing import Self

from shared.values.money import Money, currency_digits


class Sum(Money):
    """Money without the bound of a document's amount: what reports and statements add up from kept rows.

    Equal to a Money of the same amount; what is added to it or taken from it makes a Sum again. Amounts that callers
    give stay Money, which refuses what is out of range.
    """

    __slots__ = ()

    def __init__(self, minor: int, currency: str) -> None:
        """Take any whole number of minor units. Raises UnknownCurrency, and TypeError for another number."""
        currency_digits(currency)
        if type(minor) is not int:
            raise TypeError(f"minor units are an int, not {type(minor).__name__}")
        object.__setattr__(self, "minor", minor)
        object.__setattr__(self, "currency", currency)

    def __eq__(self, other: object) -> bool:
        """Whether it is the same amount of the same currency, a Money or a Sum."""
        if not isinstance(other, Money):
            return NotImplemented
        return (self.minor, self.currency) == (other.minor, other.currency)

    __hash__ = Money.__hash__

    def __add__(self, other: Money) -> Self:
        """Sum; raises CurrencyMismatch."""
        return type(self)(self.minor + self._same(other), self.currency)

    __radd__ = __add__

    def __sub__(self, other: Money) -> Self:
        """Difference; raises CurrencyMismatch."""
        return type(self)(self.minor - self._same(other), self.currency)

    def __rsub__(self, other: Money) -> Self:
        """What is left of an amount without this sum; raises CurrencyMismatch."""
        return type(self)(self._same(other) - self.minor, self.currency)

    def __neg__(self) -> Self:
        """The opposite sum."""
        return type(self)(-self.minor, self.currency)

    def __abs__(self) -> Self:
        """The sum without its sign."""
        return type(self)(abs(self.minor), self.currency)


def sum_of(monies: Iterable[Money], currency: str) -> Sum:
    """Add amounts of one currency up however far they go, zero for none. Raises CurrencyMismatch."""
    nothing = Sum.zero(currency)
    return sum((nothing + money for money in monies), nothing)
