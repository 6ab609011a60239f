"""What a document says in the languages it speaks, and what the law wants it to say."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import date
from io import BytesIO

import pytest
from pypdf import PdfReader

from services.billing.documents.content import Address, BankAccount, TaxRow
from services.billing.documents.pdf import render_pdf
from services.billing.documents.words import CATALOGUES
from services.orders.papers.rules.words import CATALOGUES as GOODS_CATALOGUES
from shared.paper.figures import WRITTEN

from .samples import BUYER, SELLER, D, credit_note, document, line

ACCOUNT = BankAccount("Nordlicht GmbH", "DE89370400440532013000", "COBADEFFXXX")


def text(content):
    """All of the document's text in one line."""
    pages = PdfReader(BytesIO(render_pdf(content))).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def free(category, language, seller="DE", reason=""):
    """A document of one category without tax."""
    lines = [line("Desk", "1", "100.00", "0", category, "FREE")]
    rows = (TaxRow("FREE", category, D(0), D("100.00"), D("0.00"), reason),)
    return document(
        lines,
        tax_breakdown=rows,
        language=language,
        seller=replace(SELLER, address=replace(SELLER.address, country=seller)),
    )


def braces(value):
    return set(re.findall(r"{(\w+)}", value)) if isinstance(value, str) else set()


@pytest.mark.parametrize("catalogues", [CATALOGUES, GOODS_CATALOGUES], ids=["billing", "orders"])
def test_every_language_has_every_word_with_the_same_gaps(catalogues):
    assert tuple(catalogues) == WRITTEN
    for language, words in catalogues.items():
        assert words.language == language
        for each in fields(words):
            said, english = (getattr(w, each.name) for w in (words, catalogues["en"]))
            if isinstance(english, str):
                assert said.strip(), f"{language} lacks {each.name}"
                # {tax} may be left out: French says HT and TTC
                assert braces(said) | {"tax"} == braces(english) | {"tax"}, f"{language}: {each.name}"
            elif each.name != "vat_in":
                assert said.keys() == english.keys(), f"{language}: {each.name}"
                assert all(value.strip() for value in said.values())


@pytest.mark.parametrize(
    ("category", "language", "expected"),
    [
        ("AE", "en", "Reverse charge: VAT is to be accounted for by the customer"),
        ("AE", "de", "Steuerschuldnerschaft des Leistungsempfängers"),
        ("AE", "fr", "Autoliquidation : TVA due par le client"),
        ("K", "en", "Intra-Community supply, exempt from VAT, § 4 Nr. 1 Buchst. b und § 6a UStG"),
        ("K", "de", "Steuerfreie innergemeinschaftliche Lieferung"),
        ("K", "fr", "Livraison intracommunautaire exonérée de TVA"),
        ("G", "en", "Export, free of VAT"),
        ("G", "de", "Steuerfreie Ausfuhrlieferung"),
        ("G", "fr", "Exportation exonérée de TVA"),
        ("E", "en", "Exempt from VAT"),
        ("E", "de", "Steuerfreie Leistung"),
        ("E", "fr", "Opération exonérée de TVA"),
        ("O", "en", "Outside the scope of VAT"),
        ("O", "de", "Nicht steuerbare Leistung"),
        ("O", "fr", "Hors du champ d’application de la TVA"),
        ("Z", "en", "Zero-rated"),
        ("Z", "de", "Steuersatz null"),
        ("Z", "fr", "Taux zéro"),
    ],
)
def test_why_no_tax_is_charged_is_said_in_words(category, language, expected):
    assert expected in text(free(category, language))


@pytest.mark.parametrize(
    ("category", "seller", "expected"),
    [
        ("AE", "DE", "Steuerschuldnerschaft des Leistungsempfängers"),
        ("AE", "PL", "odwrotne obciążenie"),
        ("AE", "GR", "αντίστροφη επιβάρυνση"),
        ("AE", "GB", "Reverse charge: VAT is to be accounted for by the customer 0 %"),
        ("K", "NL", "art. 138 of Directive 2006/112/EC"),
        ("K", "FR", "art. 262 ter, I du CGI"),
        ("G", "IT", "art. 146 of Directive 2006/112/EC"),
        ("G", "GB", "VAT Act 1994, s. 30 (6)"),
        ("G", "US", "Export, free of Tax 0 %"),
    ],
)
def test_the_law_of_the_sellers_country_is_named(category, seller, expected):
    found = text(free(category, "en", seller))

    assert expected in found or expected.removesuffix(" 0 %") in found


def test_the_reason_that_a_tax_code_states_is_said_too():
    assert "Steuerfreie Leistung, § 4 Nr. 21 UStG" in text(free("E", "de", reason="§ 4 Nr. 21 UStG"))


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ("INVOICE", "6 March 2026", "Germany", "4,659.23", "EUR 5,526.56", "Payable by 5 April 2026.")),
        ("de", ("RECHNUNG", "6. März 2026", "Deutschland", "4.659,23", "5.526,56 EUR", "Zahlbar bis 5. April 2026.")),
        ("fr", ("FACTURE", "6 mars 2026", "Allemagne", "4 659,23", "5 526,56 EUR", "au plus tard le 5 avril 2026.")),
        ("ja", ("INVOICE", "6 March 2026")),
        ("de-CH", ("RECHNUNG",)),
    ],
)  # fmt: skip
def test_words_days_and_figures_are_the_customers(language, expected):
    found = text(document(language=language, bank_account=ACCOUNT))

    assert all(each in found for each in expected)


def test_swiss_and_indian_customers_read_their_own_figures():
    swiss = replace(BUYER, address=replace(BUYER.address, country="CH"))
    indian = replace(BUYER, address=replace(BUYER.address, country="IN"))
    dear = [line("Machine", "1", "1234567.00")]

    assert "1’234’567.00" in text(document(dear, buyer=swiss, language="de"))
    assert "12,34,567.00" in text(document(dear, buyer=indian, language="en"))


@pytest.mark.parametrize(
    ("seller", "name"), [("DE", "VAT"), ("AU", "GST"), ("US", "Tax"), ("GB", "VAT"), ("NO", "VAT")]
)
def test_the_tax_is_called_what_it_is_where_the_seller_is(seller, name):
    content = document(seller=replace(SELLER, address=replace(SELLER.address, country=seller)))

    assert f"{name} summary" in text(content)


@pytest.mark.parametrize(
    ("language", "title", "forbidden"),
    [
        ("en", "CREDIT NOTE", ("Due on receipt", "Payable", "Amount due")),
        ("de", "RECHNUNGSKORREKTUR", ("Zahlbar", "Zu zahlen", "Fällig am")),
        ("fr", "AVOIR", ("À payer", "Net à payer", "Échéance")),
    ],
)
def test_a_credit_note_says_so_names_its_invoice_and_demands_nothing(language, title, forbidden):
    content = replace(
        credit_note(),
        language=language,
        bank_account=ACCOUNT,
        due_on=date(2026, 4, 5),
        payment_terms="Pay now!",
    )

    found = text(content)

    assert title in found
    assert "INV-2026-000017" in found
    assert not [each for each in (*forbidden, "IBAN", "Pay now!") if each in found]


def test_both_parties_their_numbers_contact_and_references_are_there():
    seller = replace(
        SELLER, registration_number="HRA 12345", contact_name="Inken Thomsen", phone="+49 40 123"
    )
    refs = replace(document().references, buyer_reference="04011000-12345-34")

    found = text(document(seller=seller, references=refs, bank_account=ACCOUNT))

    for fact in (
        "VAT ID DE123456789",
        "VAT ID PL5260001246",
        "Reg. no. HRA 12345",
        "Contact Inken Thomsen · +49 40 123",
        "Your order 4500017",
        "Your reference 04011000-12345-34",
        "Date of supply 5 March 2026",
        "Account holder Nordlicht GmbH",
        "IBAN DE89 3704 0044 0532 0130 00",
        "BIC COBADEFFXXX",
        "Reference INV-2026-000017",
    ):
        assert fact in found


def test_what_is_paid_demands_nothing():
    paid = text(document(paid=D("5526.56"), due=D("0.00"), bank_account=ACCOUNT, payment_terms=""))

    assert "This invoice is paid." in paid
    assert "IBAN" not in paid


def test_without_a_day_an_invoice_is_due_on_receipt():
    assert "Due on receipt." in text(document(due_on=None))
    assert "Zahlbar sofort nach Erhalt." in text(document(due_on=None, language="de"))


@pytest.mark.parametrize(("language", "stamp"), [("de", "ENTWURF"), ("fr", "BROUILLON")])
def test_the_stamp_is_in_the_language_too(language, stamp):
    assert stamp in text(document(language=language, state="draft", number=""))


def test_a_customer_whose_address_nobody_knows_gets_a_document_all_the_same():
    nowhere = Address("", "", "")

    found = text(document(buyer=replace(BUYER, address=nowhere)))

    assert "BILL TO Przedsiębiorstwo Łódź Sp. z o.o. VAT ID PL5260001246" in found
