"""Billing: what client companies are owed and own, in invoices, payments and a double-entry ledger.

Posts what other services state and never recomputes it; refuses in the database what accounting forbids.
"""
