"""Which words a billing document needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """All words of one language."""

    language: str  # ISO 639-1
    # What the tax is called: in Europe, in countries with a name of their own for it, anywhere else.
    vat: str
    vat_in: Mapping[str, str]
    tax: str
    # Titles, stamps and page numbers.
    invoice: str
    credit_note: str
    unnumbered: str
    draft_stamp: str
    page: str  # {number}, {total}
    document_for: str  # {title}, {name}: the file's subject
    # Parties.
    bill_to: str
    credit_to: str
    seller: str
    vat_id: str
    tax_id: str
    registration: str
    contact: str
    # Facts.
    issued: str
    delivered: str
    due: str
    order: str
    your_order: str
    your_reference: str
    corrects: str
    corrected_of: str
    currency: str
    # The table of lines.
    position: str
    description: str
    quantity: str
    unit_price: str
    unit_price_with_tax: str
    discount: str
    amount: str
    amount_with_tax: str
    units: Mapping[str, str]  # by UN/ECE Recommendation 20 code
    # Totals and the table of tax.
    net_total: str
    total: str
    total_with_tax: str
    tax_in_it: str
    net_in_it: str
    paid: str
    amount_due: str
    credit: str
    prices_include_tax: str
    tax_summary: str
    rate: str
    taxable: str
    gross: str
    taxed: str
    reasons: Mapping[
        str, str
    ]  # why there is no tax, by UNTDID 5305 category; art. 226 (11), (11a) Directive 2006/112
    directive: str  # {article} of it
    # Payment and what closes the document.
    payment: str
    pay_by: str  # {day}
    pay_at_once: str
    settled: str
    holder: str
    reference: str
    scan: str
    notes: str
    reason: str  # of a credit note
    # Statements.
    statement: str
    customer: str
    date: str
    document: str
    statement_amount: str
    balance: str
    brought_forward: str
    overdue: str
    open_amount: str
    overdue_total: str
    kinds: Mapping[str, str]  # by the ledger's name of what made an entry
