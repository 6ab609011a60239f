"""Vaults: rows with sealed columns."""
