"""What can be done with the ledger: post and reverse entries, settle open items, keep accounts and periods."""

from services.billing.ledger.actions.books import (
    change_account,
    change_books,
    create_account,
    provision,
)
from services.billing.ledger.actions.manual import create_entry, reverse_manually
from services.billing.ledger.actions.periods import close_period, reopen_period
from services.billing.ledger.actions.posting import post_entries, post_entry, reverse_entry
from services.billing.ledger.actions.settling import (
    allocate,
    allocate_all,
    require_open_since,
    take_back,
    undo_allocation,
)

__all__ = [
    "allocate",
    "allocate_all",
    "change_account",
    "change_books",
    "close_period",
    "create_account",
    "create_entry",
    "post_entries",
    "post_entry",
    "provision",
    "reopen_period",
    "require_open_since",
    "reverse_entry",
    "reverse_manually",
    "take_back",
    "undo_allocation",
]
