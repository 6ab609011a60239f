"""Report: trial balance, statements, aging and tie-out, read from the ledger."""
