"""Seller and buyer in the data form: who they are, where they sit, how they are reached (BG-4 to BG-9)."""

from __future__ import annotations

from services.billing.documents.content import Address, Party
from services.billing.documents.tax_ids import endpoint, tax_registration
from services.billing.documents.xml_tools import Element, add


def add_party(element: Element, party: Party, *, seller: bool) -> None:
    """Write a party, in the order CII wants."""
    scheme, tax_id = tax_registration(party)
    if tax_id and scheme == "FC":
        add(element, "ram:ID", tax_id)  # BT-29 (BR-CO-26 wants an identifier), BT-46
    add(element, "ram:Name", party.registered_name)  # BT-27, BT-44
    _organization(element, party)
    _contact(element, party)
    add_place(element, party.address)
    kind, address = endpoint(party)
    if address:
        uri = add(element, "ram:URIUniversalCommunication")
        add(uri, "ram:URIID", address, schemeID=kind)  # BT-34, BT-49
    if tax_id and (scheme == "VA" or seller):
        add(add(element, "ram:SpecifiedTaxRegistration"), "ram:ID", tax_id, schemeID=scheme)  # BT-31, 32, 48


def _organization(element: Element, party: Party) -> None:
    trading_name = party.name if party.name != party.registered_name else ""
    if not (trading_name or party.registration_number):
        return
    organization = add(element, "ram:SpecifiedLegalOrganization")
    if party.registration_number:
        add(organization, "ram:ID", party.registration_number)  # BT-30, BT-47
    if trading_name:
        add(organization, "ram:TradingBusinessName", trading_name)  # BT-28, BT-45


def _contact(element: Element, party: Party) -> None:
    """Whom to ask (BG-6, BG-9)."""
    if not (party.contact_name or party.phone or party.contact_email):
        return
    contact = add(element, "ram:DefinedTradeContact")
    if party.contact_name:
        add(contact, "ram:PersonName", party.contact_name)  # BT-41
    if party.phone:
        phone = add(contact, "ram:TelephoneUniversalCommunication")
        add(phone, "ram:CompleteNumber", party.phone)  # BT-42
    if email := party.contact_email or party.email:
        add(add(contact, "ram:EmailURIUniversalCommunication"), "ram:URIID", email)  # BT-43


def add_place(element: Element, address: Address) -> None:
    """Where a party sits or goods go (BG-5, BG-8, BG-15)."""
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
