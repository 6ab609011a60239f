"""What comes out of a calculation: lines, each of which can explain itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from services.payroll.engine.inputs import ZERO


class LineKind(StrEnum):
    """What a line does to net pay and to the employer's cost."""

    EARNING = "earning"
    """Adds to both."""
    REIMBURSEMENT = "reimbursement"
    """Adds to both, and is no part of gross pay."""
    DEDUCTION = "deduction"
    """Takes from net pay."""
    SACRIFICE = "sacrifice"
    """Pay given up: takes from net pay and from the employer's cost."""
    TAX = "tax"
    """Withheld: takes from net pay; a refund is negative."""
    EMPLOYER = "employer"
    """On top: adds to the employer's cost."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a rule or a table was published; `unconfirmed` says what of it nobody has seen in print."""

    publication: str
    table: str
    year: str
    unconfirmed: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a rule as it was done: its inputs and its result as exact decimal texts, and the named rounding."""

    name: str
    inputs: tuple[tuple[str, str], ...]
    result: str
    rounding: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a payslip: `amount` is positive in the direction that its kind says.

    `basis` is what the rate was applied to, `rate` a fraction (0.2 is twenty per cent) where there is one rate;
    `rule` names the rule (`uk.paye.cumulative`), `source` its publication.
    """

    code: str
    kind: LineKind
    amount: Decimal
    basis: Decimal | None = None
    rate: Decimal | None = None
    rule: str = ""
    source: Source | None = None
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """A calculated pay: its lines in the order of a payslip, what to add to the year to date, and warnings."""

    lines: tuple[Line, ...]
    year_to_date: tuple[tuple[str, Decimal], ...]
    """What this pay adds to each measure of the year (`YearToDate` and the pack's own), by name."""
    warnings: tuple[str, ...] = ()

    def total(self, *kinds: LineKind) -> Decimal:
        """The sum of the lines of these kinds."""
        return sum((line.amount for line in self.lines if line.kind in kinds), ZERO)

    @property
    def gross(self) -> Decimal:
        """What was earned, before pay given up."""
        return self.total(LineKind.EARNING)

    @property
    def net(self) -> Decimal:
        """What is paid out."""
        paid = self.total(LineKind.EARNING, LineKind.REIMBURSEMENT)
        return paid - self.total(LineKind.DEDUCTION, LineKind.SACRIFICE, LineKind.TAX)

    @property
    def employer_cost(self) -> Decimal:
        """What this pay costs the employer."""
        paid = self.total(LineKind.EARNING, LineKind.REIMBURSEMENT, LineKind.EMPLOYER)
        return paid - self.total(LineKind.SACRIFICE)


def steps(*given: Step | Iterable[Step]) -> tuple[Step, ...]:
    """Steps one after the other."""
    flat: list[Step] = []
    for each in given:
        flat.extend([each] if isinstance(each, Step) else each)
    return tuple(flat)
