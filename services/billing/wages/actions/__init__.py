"""Posting what payroll tells: each fact once, however often and in whatever order it comes.

Facts that contradict themselves are refused altogether and end in the dead letters.
"""

from services.billing.wages.actions.remittances import take_remittance
from services.billing.wages.actions.runs import take_run

__all__ = ["take_remittance", "take_run"]
