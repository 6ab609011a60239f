"""What can be done with payslips: make, post, reverse and issue them, always those of a whole run or a part of it."""

from services.payroll.payslips.actions.issuing import ISSUE, issue_payslips
from services.payroll.payslips.actions.making import forget_payslips, store_payslips
from services.payroll.payslips.actions.posting import (
    mark_posted,
    mirror_payslips,
    post_payslips,
    take_back,
    void_payslips,
)

__all__ = [
    "ISSUE",
    "forget_payslips",
    "issue_payslips",
    "mark_posted",
    "mirror_payslips",
    "post_payslips",
    "store_payslips",
    "take_back",
    "void_payslips",
]
