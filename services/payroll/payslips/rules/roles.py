"""What a line is in the books: the role under which its amount is posted."""

from typing import Final

from services.payroll.engine.inputs import Treatment
from services.payroll.engine.lines import LineKind

PENSION_TREATMENTS: Final = frozenset(
    {Treatment.PRETAX_401K, Treatment.NET_PAY_ARRANGEMENT, Treatment.RELIEF_AT_SOURCE}
)
SOCIAL: Final = frozenset(
    {
        "social_security", "social_security_employer", "medicare", "medicare_employer", "additional_medicare", "futa",
        "state_unemployment_employer", "state_disability", "ni_employee", "ni_employer", "apprenticeship_levy",
    }
)  # fmt: skip
WITHHELD: Final = frozenset({"student_loan", "postgraduate_loan"})
"""Collected for the tax authority together with the tax, and paid over with it."""


def role_of(code: str, kind: LineKind, *, contractor: bool) -> str:
    """The role of a line by its code and kind: what is paid by who is paid, what is withheld by whom it is owed to.

    Employer lines are owed in this role, and booked as `employer_contribution` on the other side.
    """
    if kind in (LineKind.EARNING, LineKind.SACRIFICE):
        return "contractor" if contractor else "wages"
    if kind is LineKind.REIMBURSEMENT:
        return "expense"
    _, _, name = code.partition(".")
    if name.startswith("pension"):
        return "pension"
    if name == "attachment":
        return "garnishment"
    if name in SOCIAL:
        return "social"
    if name in WITHHELD or kind is LineKind.TAX:
        return "withholding"
    return "social" if kind is LineKind.EMPLOYER else "other_deduction"


def role_of_deduction(treatment: Treatment, kind: LineKind) -> str:
    """The role of a pay item's deduction, by how taxes treat it."""
    if kind is LineKind.SACRIFICE:
        return "wages"
    return "pension" if treatment in PENSION_TREATMENTS else "other_deduction"
