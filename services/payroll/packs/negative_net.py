"""The warning of a net pay below zero, the same in every country."""

from typing import Final

from services.payroll.engine.inputs import ZERO
from services.payroll.engine.lines import LineKind, Result

_PAID: Final = (LineKind.EARNING, LineKind.REIMBURSEMENT)
_TAKING: Final = (LineKind.DEDUCTION, LineKind.SACRIFICE, LineKind.TAX)


def negative_net(result: Result) -> str | None:
    """A sentence that names what makes the net pay negative: the lines that take, pay itself, or both."""
    net = result.net
    if net >= 0:
        return None
    said = f"negative_net: net pay is {net};"
    takers = [line for line in result.lines if line.kind in _TAKING and line.amount > 0]
    names = ", ".join(line.code for line in takers)
    paid = result.total(*_PAID)
    if paid >= 0:
        return f"{said} more than is paid is taken by {names}."
    if not takers:
        return f"{said} pay itself comes to {paid}."
    return f"{said} pay itself comes to {paid}, and {sum((t.amount for t in takers), ZERO)} more is taken by {names}."
