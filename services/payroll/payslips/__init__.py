"""Payslips: what one payee gets in one pay run, line by line, and what it was calculated from."""
