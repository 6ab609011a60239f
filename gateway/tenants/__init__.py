"""Tenant: a client company (or the provider itself) as the suite knows it."""
