"""Reads of employees."""

from services.hr.employees.models import Employment
from services.hr.employees.queries.changes import find_change, get_change, list_changes, show_changes
from services.hr.employees.queries.facts import (
    Moment,
    find_facts,
    find_private,
    listed,
    show_employee,
)
from services.hr.employees.queries.lists import WORDS, Wanted, list_employees, summarized
from services.hr.employees.queries.managers import Above, first_day_below, lock_managers
from services.hr.employees.queries.rows import (
    Terms,
    employments_of,
    ended_from,
    get_employee,
    get_employment,
    get_own_employment,
    list_employments,
    list_timeline,
    missing_employees,
    person_rows,
    terms_between,
    terms_on,
    terms_rows,
)

__all__ = [
    "WORDS",
    "Above",
    "Employment",
    "Moment",
    "Terms",
    "Wanted",
    "employments_of",
    "ended_from",
    "find_change",
    "find_facts",
    "find_private",
    "first_day_below",
    "get_change",
    "get_employee",
    "get_employment",
    "get_own_employment",
    "list_changes",
    "list_employees",
    "list_employments",
    "list_timeline",
    "listed",
    "lock_managers",
    "missing_employees",
    "person_rows",
    "show_changes",
    "show_employee",
    "summarized",
    "terms_between",
    "terms_on",
    "terms_rows",
]
