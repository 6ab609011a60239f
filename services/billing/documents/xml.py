"""A billing document as data: EN 16931 in the UN/CEFACT Cross Industry Invoice syntax (CII D16B/D22B).

Invoice 380 and credit note 381, profile `urn:cen.eu:en16931:2017`, the same file Factur-X and ZUGFeRD call
EN 16931, or XRechnung for customers that ask for it. Sources: EN 16931-1:2017 (business terms, cited as BT and BG),
CEN/TS 16931-3-3 (CII binding). Element order follows the XSD sequence. lxml alone builds it; tests have the official
rules judge it.
"""

from __future__ import annotations

from decimal import Decimal

from lxml import etree  # type: ignore[import-untyped]

from services.billing.documents import xrechnung
from services.billing.documents.content import BankAccount, DocumentContent, DocumentLine, References
from services.billing.documents.figures import amount, plain
from services.billing.documents.rules import merged_breakdown, net_pricing, require_sound
from services.billing.documents.xml_parties import add_party, add_place
from services.billing.documents.xml_tools import Element, add, day, root, writable

_PROFILE = "urn:cen.eu:en16931:2017"
_TYPE_CODES = {"invoice": "380", "credit_note": "381"}
_DISCOUNT = "95"  # UNTDID 5189: discount
_CLEARING = "97"
_EXEMPTIONS = {
    "E": "Exempt from tax",
    "AE": "Reverse charge: the customer owes the tax",
    "K": "Intra-Community supply",
    "G": "Export outside the tax territory",
    "O": "Outside the scope of tax",
}


def render_xml(content: DocumentContent) -> bytes:
    """The finalized document as UTF-8 CII XML.

    Raises `DocumentNotSound` for what breaks a rule of the standard (see `rules`): a receiver would reject such a
    file, so none is made.
    """
    require_sound(content)
    document = root("CrossIndustryInvoice")
    _context(document, content)
    _heading(document, content)
    transaction = add(document, "rsm:SupplyChainTradeTransaction")
    for position, line in enumerate(content.lines, start=1):
        _line(transaction, position, line, content)
    _agreement(transaction, content)
    _delivery(transaction, content)
    _settlement(transaction, content)
    encoded: bytes = etree.tostring(document, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return encoded


def _decimals(content: DocumentContent) -> int:
    """How many decimals amounts have in data: two at most (BR-DEC), also of a currency with three."""
    return min(content.decimals, 2)


def _context(document: Element, content: DocumentContent) -> None:
    context = add(document, "rsm:ExchangedDocumentContext")
    if content.profile == "xrechnung":
        process = add(context, "ram:BusinessProcessSpecifiedDocumentContextParameter")
        add(process, "ram:ID", xrechnung.PROCESS)  # BT-23
    guideline = add(context, "ram:GuidelineSpecifiedDocumentContextParameter")
    add(guideline, "ram:ID", xrechnung.GUIDELINE if content.profile == "xrechnung" else _PROFILE)  # BT-24


def _heading(document: Element, content: DocumentContent) -> None:
    heading = add(document, "rsm:ExchangedDocument")
    add(heading, "ram:ID", content.number)  # BT-1
    add(heading, "ram:TypeCode", _TYPE_CODES[content.kind])  # BT-3
    day(add(heading, "ram:IssueDateTime"), content.issued_on)  # BT-2
    if content.notes:
        add(add(heading, "ram:IncludedNote"), "ram:Content", content.notes)  # BT-22


def _line(transaction: Element, position: int, line: DocumentLine, content: DocumentContent) -> None:
    decimals = _decimals(content)
    quantity, price, discount = net_pricing(line, content.decimals)
    item = add(transaction, "ram:IncludedSupplyChainTradeLineItem")
    add(add(item, "ram:AssociatedDocumentLineDocument"), "ram:LineID", str(position))  # BT-126
    add(
        add(item, "ram:SpecifiedTradeProduct"), "ram:Name", writable(line.description).strip() or "–"
    )  # BT-153
    pricing = add(add(item, "ram:SpecifiedLineTradeAgreement"), "ram:NetPriceProductTradePrice")
    add(pricing, "ram:ChargeAmount", plain(price))  # BT-146
    delivery = add(item, "ram:SpecifiedLineTradeDelivery")
    add(delivery, "ram:BilledQuantity", plain(quantity), unitCode=line.unit)  # BT-129, BT-130
    settlement = add(item, "ram:SpecifiedLineTradeSettlement")
    tax = add(settlement, "ram:ApplicableTradeTax")
    add(tax, "ram:TypeCode", "VAT")
    add(tax, "ram:CategoryCode", line.tax_category)  # BT-151
    if line.tax_category != "O":
        add(tax, "ram:RateApplicablePercent", plain(line.tax_rate))  # BT-152
    if discount:
        _allowance(settlement, discount, decimals)
    total = add(settlement, "ram:SpecifiedTradeSettlementLineMonetarySummation")
    add(total, "ram:LineTotalAmount", amount(line.net, decimals))  # BT-131


def _allowance(settlement: Element, discount: Decimal, decimals: int) -> None:
    """A line's discount (BG-27); a negative one is a charge (BG-28)."""
    allowance = add(settlement, "ram:SpecifiedTradeAllowanceCharge")
    add(add(allowance, "ram:ChargeIndicator"), "udt:Indicator", "false" if discount > 0 else "true")
    add(allowance, "ram:ActualAmount", amount(abs(discount), decimals))  # BT-136, BT-141
    if discount > 0:
        add(allowance, "ram:ReasonCode", _DISCOUNT)  # BT-140
    add(allowance, "ram:Reason", "Discount" if discount > 0 else "Surcharge")  # BT-139, BT-144


def _agreement(transaction: Element, content: DocumentContent) -> None:
    agreement = add(transaction, "ram:ApplicableHeaderTradeAgreement")
    refs = content.references
    if refs.buyer_reference:
        add(agreement, "ram:BuyerReference", refs.buyer_reference)  # BT-10
    add_party(add(agreement, "ram:SellerTradeParty"), content.seller, seller=True)
    add_party(add(agreement, "ram:BuyerTradeParty"), content.buyer, seller=False)
    if refs.order_number:
        order = add(agreement, "ram:SellerOrderReferencedDocument")
        add(order, "ram:IssuerAssignedID", refs.order_number)  # BT-14
    if refs.purchase_order:
        purchase = add(agreement, "ram:BuyerOrderReferencedDocument")
        add(purchase, "ram:IssuerAssignedID", refs.purchase_order)  # BT-13


def _delivery(transaction: Element, content: DocumentContent) -> None:
    delivery = add(transaction, "ram:ApplicableHeaderTradeDelivery")
    if any(row.category == "K" for row in content.tax_breakdown):
        add_place(add(delivery, "ram:ShipToTradeParty"), content.buyer.address)  # BG-15, BR-IC-12
    if content.delivered_on:
        event = add(delivery, "ram:ActualDeliverySupplyChainEvent")
        day(add(event, "ram:OccurrenceDateTime"), content.delivered_on)  # BT-72


def _settlement(transaction: Element, content: DocumentContent) -> None:
    settlement = add(transaction, "ram:ApplicableHeaderTradeSettlement")
    add(settlement, "ram:InvoiceCurrencyCode", content.currency)  # BT-5
    _payment_means(settlement, content)
    decimals = _decimals(content)
    for row in merged_breakdown(content):
        tax = add(settlement, "ram:ApplicableTradeTax")
        add(tax, "ram:CalculatedAmount", amount(row.tax, decimals))  # BT-117
        add(tax, "ram:TypeCode", "VAT")
        reason = row.exemption_reason or _EXEMPTIONS.get(row.category, "")
        if reason and row.category in _EXEMPTIONS:
            add(tax, "ram:ExemptionReason", reason)  # BT-120
        add(tax, "ram:BasisAmount", amount(row.base, decimals))  # BT-116
        add(tax, "ram:CategoryCode", row.category)  # BT-118
        if row.category != "O" or content.profile == "xrechnung":  # BR-DE-14
            add(tax, "ram:RateApplicablePercent", plain(row.rate))  # BT-119
    _terms(settlement, content)
    _totals(settlement, content)
    _original_invoice(settlement, content.references)


def _payment_means(settlement: Element, content: DocumentContent) -> None:
    """How the money moves (BG-16). UNTDID 4461: 58 a SEPA credit transfer, in euro; 30 any other credit transfer;
    97 clearing between partners, which is what a credit note does."""
    account: BankAccount | None = content.bank_account
    if content.kind == "credit_note":
        if content.profile == "xrechnung":  # BR-DE-1
            add(add(settlement, "ram:SpecifiedTradeSettlementPaymentMeans"), "ram:TypeCode", _CLEARING)
        return
    if account is None:
        return
    means = add(settlement, "ram:SpecifiedTradeSettlementPaymentMeans")
    add(means, "ram:TypeCode", "58" if content.currency == "EUR" else "30")  # BT-81
    payee = add(means, "ram:PayeePartyCreditorFinancialAccount")
    add(payee, "ram:IBANID", account.iban)  # BT-84
    add(payee, "ram:AccountName", account.holder)  # BT-85
    if account.bic:
        add(add(means, "ram:PayeeSpecifiedCreditorFinancialInstitution"), "ram:BICID", account.bic)  # BT-86


def _terms(settlement: Element, content: DocumentContent) -> None:
    """When to pay (BT-20, BT-9); BR-CO-25 wants one of the two, so an invoice that is silent is due at once."""
    silent = "Due on receipt" if content.kind == "invoice" else "Credited to the customer's account"
    terms = add(settlement, "ram:SpecifiedTradePaymentTerms")
    if content.payment_terms or not content.due_on:
        add(terms, "ram:Description", content.payment_terms or silent)
    if content.due_on:
        day(add(terms, "ram:DueDateDateTime"), content.due_on)


def _totals(settlement: Element, content: DocumentContent) -> None:
    totals = add(settlement, "ram:SpecifiedTradeSettlementHeaderMonetarySummation")
    decimals = _decimals(content)
    add(totals, "ram:LineTotalAmount", amount(content.net, decimals))  # BT-106
    add(totals, "ram:TaxBasisTotalAmount", amount(content.net, decimals))  # BT-109
    add(totals, "ram:TaxTotalAmount", amount(content.tax, decimals), currencyID=content.currency)  # BT-110
    add(totals, "ram:GrandTotalAmount", amount(content.gross, decimals))  # BT-112
    add(totals, "ram:TotalPrepaidAmount", amount(content.paid, decimals))  # BT-113
    add(totals, "ram:DuePayableAmount", amount(content.due, decimals))  # BT-115


def _original_invoice(settlement: Element, refs: References) -> None:
    if not refs.original_invoice_number:
        return
    original = add(settlement, "ram:InvoiceReferencedDocument")
    add(original, "ram:IssuerAssignedID", refs.original_invoice_number)  # BT-25
    if refs.original_invoice_issued_on:
        issued = add(original, "ram:FormattedIssueDateTime")
        day(issued, refs.original_invoice_issued_on, "qdt:DateTimeString")  # BT-26
