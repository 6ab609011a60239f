"""Employees: who works for a client company, in which employments, on which terms on any day, as known at any time."""
