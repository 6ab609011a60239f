"""The year to date: what was paid and withheld so far in a tax year, as a ledger that only grows."""
