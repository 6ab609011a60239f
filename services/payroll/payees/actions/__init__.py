"""What can be done with payees: hr's facts are taken in, and payroll's own are stated."""

from services.payroll.payees.actions.changing import change_payee
from services.payroll.payees.actions.telling import known_payee, record_end, record_facts

__all__ = ["change_payee", "known_payee", "record_end", "record_facts"]
