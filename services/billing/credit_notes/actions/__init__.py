"""What can be done with credit notes, one of which is to void an invoice."""

from services.billing.credit_notes.actions.allocating import allocate_credit_note, deallocate_credit_note
from services.billing.credit_notes.actions.cancelling import (
    find_void_facts,
    void_approved_invoice,
    void_invoice,
)
from services.billing.credit_notes.actions.issuing import create_credit_note

__all__ = [
    "allocate_credit_note",
    "create_credit_note",
    "deallocate_credit_note",
    "find_void_facts",
    "void_approved_invoice",
    "void_invoice",
]
