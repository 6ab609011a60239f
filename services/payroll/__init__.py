"""Payroll: what is paid to whom, what is withheld for whom, and how each figure came about."""
