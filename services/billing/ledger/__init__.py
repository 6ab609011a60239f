"""The general ledger: accounts, journal entries and periods."""
