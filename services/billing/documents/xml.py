"""A billing document as data: EN 16931 in the UN/CEFACT Cross Industry Invoice syntax (CII D16B/D22B).

Invoice 380 and credit note 381, profile `urn:cen.eu:en16931:2017`, the same file Factur-X and ZUGFeRD call
EN 16931. Sources: EN 16931-1:2017 (business terms, cited as BT and BG), CEN/TS 16931-3-3 (CII binding).
Element order follows the XSD sequence. lxml alone builds it; the factur-x package validates it in tests.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from lxml import etree  # type: ignore[import-untyped]

from services.billing.documents.content import (
    Address,
    BankAccount,
    DocumentContent,
    DocumentLine,
    Party,
    References,
)
from services.billing.documents.figures import amount, plain
from services.billing.documents.rules import merged_breakdown, net_of_prices, require_sound
from services.billing.documents.xml_tools import Element, add, day, root

_PROFILE = "urn:cen.eu:en16931:2017"
_TYPE_CODES = {"invoice": "380", "credit_note": "381"}
_DISCOUNT = "95"  # UNTDID 5189: discount
# Countries whose VAT identifiers begin with their own prefix: the EU, Northern Ireland, Great Britain.
_VAT_PREFIXES = frozenset(
    "AT BE BG CY CZ DE DK EE EL ES FI FR GB HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK XI".split()  # noqa: SIM905
)
_EXEMPTIONS = {
    "E": "Exempt from tax",
    "AE": "Reverse charge: the customer owes the tax",
    "K": "Intra-Community supply",
    "G": "Export outside the tax territory",
    "O": "Outside the scope of tax",
}


def render_xml(content: DocumentContent) -> bytes:
    """The finalized document as UTF-8 CII XML.

    Raises `DocumentNotSound` for a draft or for totals that break the standard's arithmetic (see
    `rules`): a receiver would reject such a file, so none is made.
    """
    require_sound(content)
    document = root("CrossIndustryInvoice")
    context = add(document, "rsm:ExchangedDocumentContext")
    guideline = add(context, "ram:GuidelineSpecifiedDocumentContextParameter")
    add(guideline, "ram:ID", _PROFILE)  # BT-24
    _heading(document, content)
    transaction = add(document, "rsm:SupplyChainTradeTransaction")
    for position, line in enumerate(content.lines, start=1):
        _line(transaction, position, line, content.decimals)
    _agreement(transaction, content)
    _delivery(transaction, content)
    _settlement(transaction, content)
    encoded: bytes = etree.tostring(document, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return encoded


def _heading(document: Element, content: DocumentContent) -> None:
    heading = add(document, "rsm:ExchangedDocument")
    add(heading, "ram:ID", content.number)  # BT-1
    add(heading, "ram:TypeCode", _TYPE_CODES[content.kind])  # BT-3
    day(add(heading, "ram:IssueDateTime"), content.issued_on)  # BT-2
    if content.notes:
        add(add(heading, "ram:IncludedNote"), "ram:Content", content.notes)  # BT-22


def _line(transaction: Element, position: int, line: DocumentLine, decimals: int) -> None:
    quantity, price, discount = _net_pricing(line, decimals)
    item = add(transaction, "ram:IncludedSupplyChainTradeLineItem")
    add(add(item, "ram:AssociatedDocumentLineDocument"), "ram:LineID", str(position))  # BT-126
    add(add(item, "ram:SpecifiedTradeProduct"), "ram:Name", line.description or "–")  # BT-153
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


def _net_pricing(line: DocumentLine, decimals: int) -> tuple[Decimal, Decimal, Decimal]:
    """Quantity, price without tax (BT-146) and discount (BG-27) that lead to the line's net.

    Where the stated price includes tax, the price is derived from the net and the discount is inside it.
    A price may not be negative (BR-27): the quantity carries the sign.
    """
    quantity, price, discount = line.quantity, line.unit_price, line.discount
    if net_of_prices(line, decimals) != line.net and quantity:
        price, discount = round(line.net / quantity, 10), Decimal(0)
    return (-quantity, -price, discount) if price < 0 else (quantity, price, discount)


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
    _party(add(agreement, "ram:SellerTradeParty"), content.seller, seller=True)
    _party(add(agreement, "ram:BuyerTradeParty"), content.buyer, seller=False)
    if refs.order_number:
        order = add(agreement, "ram:SellerOrderReferencedDocument")
        add(order, "ram:IssuerAssignedID", refs.order_number)  # BT-14
    if refs.purchase_order:
        purchase = add(agreement, "ram:BuyerOrderReferencedDocument")
        add(purchase, "ram:IssuerAssignedID", refs.purchase_order)  # BT-13


def _party(element: Element, party: Party, *, seller: bool) -> None:
    scheme, tax_id = tax_registration(party)
    if tax_id and scheme == "FC":
        add(element, "ram:ID", tax_id)  # BT-29 (BR-CO-26 wants an identifier), BT-46
    add(element, "ram:Name", party.registered_name)  # BT-27, BT-44
    trading_name = party.name if party.name != party.registered_name else ""
    if trading_name or party.registration_number:
        organization = add(element, "ram:SpecifiedLegalOrganization")
        if party.registration_number:
            add(organization, "ram:ID", party.registration_number)  # BT-30, BT-47
        if trading_name:
            add(organization, "ram:TradingBusinessName", trading_name)  # BT-28, BT-45
    _address(element, party.address)
    if party.email:
        add(
            add(element, "ram:URIUniversalCommunication"), "ram:URIID", party.email, schemeID="EM"
        )  # BT-34, BT-49
    if tax_id and (scheme == "VA" or seller):
        add(add(element, "ram:SpecifiedTaxRegistration"), "ram:ID", tax_id, schemeID=scheme)  # BT-31, 32, 48


def _address(element: Element, address: Address) -> None:
    """Where the party sits (BG-5, BG-8), in the order CII wants."""
    place = add(element, "ram:PostalTradeAddress")
    for name, text in (
        ("PostcodeCode", address.postal_code),
        ("LineOne", address.line1),
        ("LineTwo", address.line2),
        ("CityName", address.city),
        ("CountryID", address.country),
        ("CountrySubDivisionName", address.region),
    ):
        if text:
            add(place, f"ram:{name}", text)


def tax_registration(party: Party) -> tuple[str, str]:
    """Which kind of tax identifier, and as written: ("VA", "DE123456789") or ("FC", "12-3456789").

    VA is a VAT identifier with its country prefix (BR-CO-09); everything else is a local tax number, FC.
    """
    compact = "".join(char for char in party.tax_id.upper() if char.isalnum())
    prefix = compact[:2]
    if len(compact) > 2 and (
        prefix in _VAT_PREFIXES or (prefix.isalpha() and prefix == party.address.country)
    ):
        return "VA", compact
    return "FC", party.tax_id.strip()


def _delivery(transaction: Element, content: DocumentContent) -> None:
    delivery = add(transaction, "ram:ApplicableHeaderTradeDelivery")
    if any(row.category == "K" for row in content.tax_breakdown):
        place = add(add(delivery, "ram:ShipToTradeParty"), "ram:PostalTradeAddress")
        add(place, "ram:CountryID", content.buyer.address.country)  # BT-80, BR-IC-12
    if content.delivered_on:
        event = add(delivery, "ram:ActualDeliverySupplyChainEvent")
        day(add(event, "ram:OccurrenceDateTime"), content.delivered_on)  # BT-72


def _settlement(transaction: Element, content: DocumentContent) -> None:
    settlement = add(transaction, "ram:ApplicableHeaderTradeSettlement")
    add(settlement, "ram:InvoiceCurrencyCode", content.currency)  # BT-5
    if content.bank_account:
        _payment_means(settlement, content.bank_account, content.currency)
    for row in merged_breakdown(content):
        tax = add(settlement, "ram:ApplicableTradeTax")
        add(tax, "ram:CalculatedAmount", amount(row.tax, content.decimals))  # BT-117
        add(tax, "ram:TypeCode", "VAT")
        reason = row.exemption_reason or _EXEMPTIONS.get(row.category, "")
        if reason and row.category in _EXEMPTIONS:
            add(tax, "ram:ExemptionReason", reason)  # BT-120
        add(tax, "ram:BasisAmount", amount(row.base, content.decimals))  # BT-116
        add(tax, "ram:CategoryCode", row.category)  # BT-118
        if row.category != "O":
            add(tax, "ram:RateApplicablePercent", plain(row.rate))  # BT-119
    _terms(settlement, content.payment_terms, content.due_on)
    _totals(settlement, content)
    _original_invoice(settlement, content.references)


def _payment_means(settlement: Element, account: BankAccount, currency: str) -> None:
    """Where to pay (BG-16, BG-17). UNTDID 4461: a SEPA credit transfer is in euro, any other just a credit transfer."""
    means = add(settlement, "ram:SpecifiedTradeSettlementPaymentMeans")
    add(means, "ram:TypeCode", "58" if currency == "EUR" else "30")  # BT-81
    payee = add(means, "ram:PayeePartyCreditorFinancialAccount")
    add(payee, "ram:IBANID", account.iban)  # BT-84
    add(payee, "ram:AccountName", account.holder)  # BT-85
    if account.bic:
        add(add(means, "ram:PayeeSpecifiedCreditorFinancialInstitution"), "ram:BICID", account.bic)  # BT-86


def _terms(settlement: Element, text: str, due_on: date | None) -> None:
    """When to pay (BT-20, BT-9); BR-CO-25 wants one of the two, so silence means at once."""
    terms = add(settlement, "ram:SpecifiedTradePaymentTerms")
    if text or not due_on:
        add(terms, "ram:Description", text or "Due on receipt")
    if due_on:
        day(add(terms, "ram:DueDateDateTime"), due_on)


def _totals(settlement: Element, content: DocumentContent) -> None:
    totals = add(settlement, "ram:SpecifiedTradeSettlementHeaderMonetarySummation")
    decimals = content.decimals
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
