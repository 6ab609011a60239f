"""What can be done with pay runs: create, calculate, decide on, pay, take back."""

from services.payroll.pay_runs.actions.calculating import calculate_run, close_unfinished, start_calculation
from services.payroll.pay_runs.actions.deciding import (
    approve_run,
    find_approval_facts,
    post_approved_run,
    reject_run,
    submit_run,
)
from services.payroll.pay_runs.actions.moving import cancel_run, close_run, create_run, pay_run, reverse_run

__all__ = [
    "approve_run",
    "calculate_run",
    "cancel_run",
    "close_run",
    "close_unfinished",
    "create_run",
    "find_approval_facts",
    "pay_run",
    "post_approved_run",
    "reject_run",
    "reverse_run",
    "start_calculation",
    "submit_run",
]
