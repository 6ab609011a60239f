"""What XRechnung 3.0 asks for beyond EN 16931.

Source: KoSIT, Spezifikation XRechnung 3.0.2, rules BR-DE-1 and on, and those it takes from Peppol (R010, R020).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from services.billing.documents.content import DocumentContent, Party
from services.billing.documents.tax_ids import endpoint
from services.billing.documents.violation import Violation

GUIDELINE: Final = "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
PROCESS: Final = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]{2,}")
# BR-DE-18: a line that begins with # states a cash discount, and in this form only.
_CASH_DISCOUNT = re.compile(
    r"#SKONTO#TAGE=[0-9]+#PROZENT=[0-9]+\.[0-9]{2}(#BASISBETRAG=-?[0-9]+\.[0-9]{2})?#"
)


def violations(content: DocumentContent) -> Iterator[Violation]:
    """The rules of XRechnung that the content breaks."""
    if content.kind == "invoice" and content.bank_account is None:
        yield Violation("BR-DE-1", "/seller/bank_account", "the seller profile has no bank account")
    if not content.references.buyer_reference.strip():
        message = "the customer has no buyer reference (Leitweg-ID)"
        yield Violation("BR-DE-15", "/buyer/buyer_reference", message)
    yield from _contact(content.seller)
    yield from _places(content)
    if not any(endpoint(content.seller)):
        message = "the seller profile has no electronic address"
        yield Violation("PEPPOL-EN16931-R020", "/seller/electronic_address", message)
    if not any(endpoint(content.buyer)):
        message = "the customer has no electronic address"
        yield Violation("PEPPOL-EN16931-R010", "/buyer/electronic_address", message)
    for text in content.payment_terms.splitlines():
        if text.strip().startswith("#") and not _CASH_DISCOUNT.fullmatch(text.strip()):
            yield Violation(
                "BR-DE-18", "/payment_terms", f"not a cash discount as XRechnung writes it: {text}"
            )


def _contact(seller: Party) -> Iterator[Violation]:
    email = seller.contact_email or seller.email
    facts = (
        ("BR-DE-5", "name", seller.contact_name.strip(), "the seller's contact has no name"),
        ("BR-DE-6", "phone", seller.phone.strip(), "the seller's contact has no phone number"),
        ("BR-DE-7", "email", email.strip(), "the seller's contact has no e-mail address"),
    )
    if not any(fact for _, _, fact, _ in facts):
        yield Violation("BR-DE-2", "/seller/contact", "the seller profile has no contact")
    for rule, name, fact, message in facts:
        if not fact:
            yield Violation(rule, f"/seller/contact/{name}", message)
    if seller.phone.strip() and sum(char.isdigit() for char in seller.phone) < 3:
        yield Violation("BR-DE-27", "/seller/contact/phone", "a phone number has at least three digits")
    if email.strip() and not _EMAIL.fullmatch(email.strip()):
        yield Violation("BR-DE-28", "/seller/contact/email", f"{email} is no e-mail address")


def _places(content: DocumentContent) -> Iterator[Violation]:
    for name, party, (city, code) in (
        ("seller", content.seller, ("BR-DE-3", "BR-DE-4")),
        ("buyer", content.buyer, ("BR-DE-8", "BR-DE-9")),
    ):
        if not party.address.city.strip():
            yield Violation(city, f"/{name}/address/city", f"the {name}'s address has no city")
        if not party.address.postal_code.strip():
            yield Violation(code, f"/{name}/address/postal_code", f"the {name}'s address has no postal code")
