"""What can be done with employees."""

from services.hr.employees.actions.changing import (
    apply_approved_change,
    approve_change,
    change_employee,
    find_change_facts,
    reject_change,
)
from services.hr.employees.actions.clock import day_has_come, leave_begins, leave_ends
from services.hr.employees.actions.hiring import add_employment, hire_employee
from services.hr.employees.actions.verbs import cancel_start, cancel_termination, resume, suspend, terminate

__all__ = [
    "add_employment",
    "apply_approved_change",
    "approve_change",
    "cancel_start",
    "cancel_termination",
    "change_employee",
    "day_has_come",
    "find_change_facts",
    "hire_employee",
    "leave_begins",
    "leave_ends",
    "reject_change",
    "resume",
    "suspend",
    "terminate",
]
