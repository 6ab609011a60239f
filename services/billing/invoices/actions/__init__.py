"""What can be done with invoices."""

from services.billing.invoices.actions.customers import keep_customer
from services.billing.invoices.actions.drafts import change_invoice, create_invoice, delete_invoice
from services.billing.invoices.actions.issuing import (
    finalize_invoice,
    refs_of,
    sales_postings,
    tell_overdue,
)
from services.billing.invoices.actions.mailing import find_recipient, mail_document, mail_if_wanted
from services.billing.invoices.actions.reopening import (
    lock_to_reopen,
    reinstate_invoice,
    reopen_invoices,
    write_off_invoice,
)
from services.billing.invoices.actions.settling import (
    Settled,
    Settlement,
    Settling,
    allocated,
    credit_invoice,
    credit_line,
    lock_settled,
    settle_invoices,
)
from services.billing.invoices.actions.shipments import SHIPMENTS
from services.billing.invoices.actions.voiding import (
    change_settings,
    require_voidable,
    take_back,
    tell_voided,
    void_facts,
)

__all__ = [
    "SHIPMENTS",
    "Settled",
    "Settlement",
    "Settling",
    "allocated",
    "change_invoice",
    "change_settings",
    "create_invoice",
    "credit_invoice",
    "credit_line",
    "delete_invoice",
    "finalize_invoice",
    "find_recipient",
    "keep_customer",
    "lock_settled",
    "lock_to_reopen",
    "mail_document",
    "mail_if_wanted",
    "refs_of",
    "reinstate_invoice",
    "reopen_invoices",
    "require_voidable",
    "sales_postings",
    "settle_invoices",
    "take_back",
    "tell_overdue",
    "tell_voided",
    "void_facts",
    "write_off_invoice",
]
