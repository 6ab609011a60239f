"""Overviews: what every service lists in the same shape (jobs, approvals), as one list of a tenant's."""
