"""What no payslip exceeds, so that no sum over payslips, years or a run is beyond what money can state."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from services.payroll.payslips.rules.refusals import NotCalculable

MOST: Final = Decimal("100000000000.00")
"""The most that a line, a total or a measure of a tax year comes to, in units of the pack's currency; an assumption."""
TOTALS: Final = ("gross", "reimbursed", "deductions", "taxes", "net", "employer_cost")


def require_in_range(document: Mapping[str, Any], snapshot: Mapping[str, Any]) -> None:
    """Refuse a payslip with a sum beyond `MOST`, of itself or with its tax year; raises NotCalculable."""
    if any(abs(amount) > MOST for amount in _sums(document, snapshot)):
        raise NotCalculable("payroll.sums_in_range")


def _sums(document: Mapping[str, Any], snapshot: Mapping[str, Any]) -> Iterator[Decimal]:
    for name in TOTALS:
        yield Decimal(document[name])
    for line in document["lines"]:
        yield Decimal(line["amount"])
        yield Decimal(line["year_to_date"])
    before = {name: Decimal(value) for name, value in snapshot["year_to_date"].items()}
    for name in before.keys() | document["measures"].keys():
        yield before.get(name, Decimal()) + Decimal(document["measures"].get(name, 0))
