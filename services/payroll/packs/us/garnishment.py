"""Limits on garnishment of earnings: Title III of the Consumer Credit Protection Act.

Source: 15 USC 1673; 29 CFR 870.10 and 870.11; Department of Labor fact sheet 30. Disposable earnings are what is left
after deductions that law requires (taxes, social security, Medicare, state insurance), not after voluntary ones. A
state's lower limit, tax levies, bankruptcy orders and student loans are not of this title.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from services.payroll.engine.inputs import ZERO, Frequency
from services.payroll.engine.rounding import cut_cent
from shared.values.faults import Invalid

MINIMUM_WAGE: Final = Decimal("7.25")
"""The federal minimum wage an hour since 2009-07-24 (29 USC 206(a)(1)(C))."""
_HOURS: Final = 30
_CREDITOR_SHARE: Final = Decimal("0.25")
_SUPPORT_SHARE: Final = Decimal("0.60")
_WITH_FAMILY: Final = Decimal("0.50")
_IN_ARREARS: Final = Decimal("0.05")
_WEEKS: Final[Mapping[Frequency, tuple[int, int]]] = {
    Frequency.WEEKLY: (1, 1),
    Frequency.BIWEEKLY: (2, 1),
    Frequency.FOUR_WEEKLY: (4, 1),
    Frequency.SEMIMONTHLY: (13, 6),
    Frequency.MONTHLY: (13, 3),
    Frequency.QUARTERLY: (13, 1),
    Frequency.SEMIANNUAL: (26, 1),
    Frequency.ANNUAL: (52, 1),
}
"""Weeks of a pay period as a fraction: a month is 4 1/3, half a month 2 1/6 (29 CFR 870.10(c)(2))."""


class OrderKind(StrEnum):
    """What an order is for: support of a spouse or child, or any other debt."""

    SUPPORT = "support"
    CREDITOR = "creditor"


@dataclass(frozen=True, slots=True)
class Order:
    """An order to withhold: its key, kind and the amount it asks of this pay. Orders are given in priority."""

    key: str
    kind: OrderKind
    amount: Decimal


def protected(frequency: Frequency, minimum_wage: Decimal = MINIMUM_WAGE) -> Decimal:
    """Disposable earnings of a pay period that no ordinary garnishment may touch: 30 hours at the minimum wage a week.

    Refuses daily pay: the limit is one of the workweek, whose days are added up first.
    """
    if frequency not in _WEEKS:
        text = "The limit on garnishment is one of the workweek; days of pay are added up first."
        raise Invalid.field("/frequency", "unsupported_frequency", text)
    weeks, of = _WEEKS[frequency]
    return cut_cent(_HOURS * minimum_wage * weeks / of)


def creditor_limit(
    disposable: Decimal, frequency: Frequency, minimum_wage: Decimal = MINIMUM_WAGE
) -> Decimal:
    """What ordinary garnishments may take of disposable earnings in all (15 USC 1673(a)).

    The lesser of a quarter of them and what exceeds the protected amount; cut to the cent.
    """
    above = max(disposable - protected(frequency, minimum_wage), ZERO)
    return cut_cent(min(max(disposable, ZERO) * _CREDITOR_SHARE, above))


def support_limit(disposable: Decimal, *, second_family: bool, arrears_over_12_weeks: bool) -> Decimal:
    """What orders for support may take of disposable earnings in all (15 USC 1673(b)(2)); cut to the cent.

    60 %, or 50 % of somebody who supports another spouse or child; 5 % more for arrears of more than twelve weeks.
    """
    share = _WITH_FAMILY if second_family else _SUPPORT_SHARE
    share += _IN_ARREARS if arrears_over_12_weeks else ZERO
    return cut_cent(max(disposable, ZERO) * share)


def garnished(
    disposable: Decimal,
    frequency: Frequency,
    orders: Sequence[Order],
    *,
    second_family: bool = False,
    arrears_over_12_weeks: bool = False,
) -> dict[str, Decimal]:
    """What each order gets of a pay, by its key.

    Support comes first, shared in proportion to what is asked where it is not enough for all, so that every order gets
    something (45 CFR 303.100(a)(5)). What support takes counts towards the limit of other creditors: they get what is
    left of theirs, one after the other (29 CFR 870.11(b)(2)).
    """
    limit = support_limit(
        disposable, second_family=second_family, arrears_over_12_weeks=arrears_over_12_weeks
    )
    support = [order for order in orders if order.kind is OrderKind.SUPPORT]
    taken = _shared(limit, support)
    left = max(creditor_limit(disposable, frequency) - sum(taken.values(), ZERO), ZERO)
    for order in orders:
        if order.kind is OrderKind.CREDITOR:
            taken[order.key] = min(order.amount, left)
            left -= taken[order.key]
    return {order.key: taken[order.key] for order in orders}


def _shared(limit: Decimal, orders: Sequence[Order]) -> dict[str, Decimal]:
    """A limit shared in proportion, cut to the cent; the cents that are left go to the first orders."""
    asked = sum((order.amount for order in orders), ZERO)
    if asked <= limit:
        return {order.key: order.amount for order in orders}
    shares = {order.key: cut_cent(limit * order.amount / asked) for order in orders}
    left = limit - sum(shares.values(), ZERO)
    for order in orders:
        more = min(left, order.amount - shares[order.key])
        shares[order.key] += more
        left -= more
    return shares
