"""Tax codes: the rates a tenant taxes with, seeded by its country."""
