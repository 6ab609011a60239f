"""Financial statements as arithmetic on balances: nothing here knows a table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from shared.values.money import Money
from shared.values.sums import sum_of

INVESTING_CODES: Final = ("15",)
FINANCING_CODES: Final = ("26",)
"""How account codes begin, by the standard chart's numbering: fixed assets, and loans."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What was debited and credited to one account."""

    account: str
    name: str
    type: str
    debited: Money
    credited: Money

    @property
    def net(self) -> Money:
        """The balance, debit positive."""
        return self.debited - self.credited

    @property
    def is_result(self) -> bool:
        """Whether it counts what was earned or spent, which begins anew with each fiscal year."""
        return self.type in ("income", "expense")

    def __add__(self, other: "Balance") -> "Balance":
        """The account with what another one was moved by."""
        debited, credited = self.debited + other.debited, self.credited + other.credited
        return replace(self, debited=debited, credited=credited)

    def __sub__(self, other: "Balance") -> "Balance":
        """The account without what it was moved by before."""
        debited, credited = self.debited - other.debited, self.credited - other.credited
        return replace(self, debited=debited, credited=credited)


@dataclass(frozen=True, slots=True)
class Turnover:
    """An account until the end of a day, and what of that was before the first day of a range."""

    until: Balance
    before: Balance

    @property
    def within(self) -> Balance:
        """What moved it in the range."""
        return self.until - self.before


@dataclass(frozen=True, slots=True)
class TrialRow:
    """An account's balance on its side; the other side is nothing."""

    account: str
    name: str
    debit: Money
    credit: Money


@dataclass(frozen=True, slots=True)
class StatementRow:
    """An account's amount in a statement, positive in its usual direction; no account for what is computed."""

    account: str | None
    name: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a statement."""

    rows: Sequence[StatementRow]
    total: Money


def trial_row(balance: Balance) -> TrialRow:
    """Put a balance on the side where it stands."""
    nothing = Money.zero(balance.net.currency)
    if balance.net > nothing:
        return TrialRow(balance.account, balance.name, balance.net, nothing)
    return TrialRow(balance.account, balance.name, nothing, -balance.net)


def section(balances: Iterable[Balance], type_: str, currency: str, *, sign: int) -> Section:
    """The accounts of one type; sign -1 shows credit balances as positive amounts."""
    rows = [
        StatementRow(b.account, b.name, b.net if sign > 0 else -b.net) for b in balances if b.type == type_
    ]
    return Section(rows, sum_of((row.amount for row in rows), currency))


def carried_forward(turnovers: Sequence[Turnover], retained: str) -> list[Balance]:
    """Balances at the end of a day, where the ranges begin with the fiscal year.

    Income and expenses are those of the year; what was earned before stands in the account of retained earnings, with
    no closing entry (as IAS 1, 106(d), has profit of the period change equity).
    """
    found = {t.until.account: t.within if t.until.is_result else t.until for t in turnovers}
    for turnover in turnovers:
        if turnover.until.is_result:
            found[retained] += turnover.before
    if not (found[retained].debited.minor or found[retained].credited.minor):
        del found[retained]
    return list(found.values())


def earnings(balances: Iterable[Balance], currency: str) -> Money:
    """Income less expenses."""
    return -sum_of((b.net for b in balances if b.is_result), currency)


def with_earnings(equity: Section, earned: Money) -> Section:
    """Equity with what the fiscal year has earned so far, which no account holds yet."""
    row = StatementRow(None, "Earnings to date", earned)
    return Section([*equity.rows, row], equity.total + earned)


def cash_category(account: str, type_: str) -> str:
    """Which part of the cash flow statement a counter account belongs to."""
    if type_ == "equity" or account.startswith(FINANCING_CODES):
        return "financing"
    return "investing" if account.startswith(INVESTING_CODES) else "operating"
