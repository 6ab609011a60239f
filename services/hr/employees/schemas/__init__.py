"""Wire shapes of employees."""

from services.hr.employees.schemas.changes import (
    ApproveChangeIn,
    ChangeIn,
    ChangeOut,
    EmploymentVerbIn,
    FactsIn,
    RejectChangeIn,
    TerminateIn,
)
from services.hr.employees.schemas.employees import (
    EmployeeIn,
    EmployeeOut,
    EmploymentIn,
    EmploymentOut,
    ListedOut,
    SummaryOut,
    TermsIn,
    WorkLocationIO,
    WorkPatternOut,
)
from services.hr.employees.schemas.private import SHOWN, clear

__all__ = [
    "SHOWN",
    "ApproveChangeIn",
    "ChangeIn",
    "ChangeOut",
    "EmployeeIn",
    "EmployeeOut",
    "EmploymentIn",
    "EmploymentOut",
    "EmploymentVerbIn",
    "FactsIn",
    "ListedOut",
    "RejectChangeIn",
    "SummaryOut",
    "TerminateIn",
    "TermsIn",
    "WorkLocationIO",
    "WorkPatternOut",
    "clear",
]
