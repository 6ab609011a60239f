"""Payees: one employment each, with what hr told of its days and what payroll knows besides."""
