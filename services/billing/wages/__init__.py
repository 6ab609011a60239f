"""Wages in the books: what payroll tells of pay runs and of what was withheld, posted by role and cost centre."""
