"""Reads of pay runs: the run itself, the inputs it is made of, and what its payslips come to."""

from services.payroll.pay_runs.queries.inputs import find_next_payees, find_stamp, find_total
from services.payroll.pay_runs.queries.results import add_up, list_register, list_variances
from services.payroll.pay_runs.queries.runs import (
    count_blockers,
    find_run_of_job,
    get_run,
    list_problems,
    list_runs,
    show_run,
)

__all__ = [
    "add_up",
    "count_blockers",
    "find_next_payees",
    "find_run_of_job",
    "find_stamp",
    "find_total",
    "get_run",
    "list_problems",
    "list_register",
    "list_runs",
    "list_variances",
    "show_run",
]
