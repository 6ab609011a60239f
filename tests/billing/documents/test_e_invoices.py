"""E-invoices through the API: what is served is valid, what is not names each rule and fact, in time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from services.billing.documents.content import BankAccount
from services.billing.documents.rules import violations
from services.billing.documents.xml import render_xml
from services.billing.documents.xrechnung import GUIDELINE
from shared.context.ctx import TenantFacts
from tests.billing.given import ADDRESS, given_draft, given_invoice, given_seller, line
from tests.kit.suite import Suite

from .official_rules import assert_valid, judge
from .samples import SELLER, credit_note, document

BUYER = {"name": "Łódź Sp. z o.o.", "tax_id": "PL5260001246", "billing_address": ADDRESS | {"country": "PL"}}
CATEGORIES = ("Z", "E", "AE", "K", "G")


async def given_code(billing: httpx.AsyncClient, category: str) -> str:
    body = {"code": f"free-{category}", "name": "Untaxed", "rate": "0", "category": category}
    answer = await billing.post("/v1/tax-codes", json=body)
    assert answer.status_code == 201, answer.text
    return body["code"]


async def data_of(
    billing: httpx.AsyncClient, document: dict[str, Any], of: str = "invoices"
) -> httpx.Response:
    return await billing.get(f"/v1/{of}/{document['id']}/xml")


async def credited(
    billing: httpx.AsyncClient, invoice: dict[str, Any], quantity: str | None = None
) -> dict[str, Any]:
    part = [{"invoice_line_id": invoice["lines"][0]["id"], "quantity": quantity}] if quantity else None
    answer = await billing.post(
        "/v1/credit-notes", json={"invoice_id": invoice["id"], "reason": "back", "lines": part}
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def rules_of(answer: httpx.Response) -> set[str]:
    assert (answer.status_code, answer.json()["code"]) == (409, "not_en16931"), answer.text
    return {reason["rule"] for reason in answer.json()["reasons"]}


@pytest.mark.parametrize("prices", ["net", "gross"])
@pytest.mark.parametrize("currency", ["GBP", "EUR", "JPY"])
async def test_invoices_and_their_credit_notes_are_valid(
    billing: httpx.AsyncClient, currency: str, prices: str
):
    await given_seller(billing)
    price = "1234" if currency == "JPY" else "12.34"
    lines = [
        line(price, quantity="3", currency=currency, discount_percent="5"),
        line(price, quantity="1.5", currency=currency, tax_code="reduced"),
        line(price, quantity="2", currency=currency, tax_code="exempt"),
    ]
    invoice = await given_invoice(billing, *lines, customer=BUYER, currency=currency, prices=prices)

    part, rest = await credited(billing, invoice, "1"), await credited(billing, invoice)

    for of, found in (("invoices", invoice), ("credit-notes", part), ("credit-notes", rest)):
        answer = await data_of(billing, found, of)
        assert answer.status_code == 200, answer.text
        assert_valid(answer.content)


@pytest.mark.parametrize("category", CATEGORIES)
async def test_untaxed_sales_their_credit_notes_and_voids_are_valid_without_a_day_of_delivery(
    billing: httpx.AsyncClient, category: str
):
    await given_seller(billing)
    code = await given_code(billing, category)
    kept, voided = [await given_invoice(billing, line(tax_code=code), customer=BUYER) for _ in range(2)]
    note = await credited(billing, kept)
    assert (await billing.post(f"/v1/invoices/{voided['id']}/void")).status_code == 200
    (cancelling,) = (await billing.get(f"/v1/credit-notes?invoice_id={voided['id']}")).json()["items"]

    for of, found in (("invoices", kept), ("credit-notes", note), ("credit-notes", cancelling)):
        answer = await data_of(billing, found, of)
        assert answer.status_code == 200, answer.text
        assert_valid(answer.content)


@pytest.mark.parametrize(
    ("category", "buyer", "rules"),
    [
        ("AE", {"tax_id": None}, {"BR-AE-02"}),
        ("K", {"tax_id": None}, {"BR-IC-02"}),
        ("K", {"tax_id": "5260001246"}, {"BR-IC-02"}),
        ("K", {"billing_address": None}, {"BR-11", "BR-IC-12"}),
        ("O", {}, {"BR-O-02"}),
    ],
)
async def test_a_missing_fact_is_named_when_it_is_finalized_and_when_it_is_asked_for(
    billing: httpx.AsyncClient, category: str, buyer: dict[str, Any], rules: set[str]
):
    await given_seller(billing)
    code = await given_code(billing, category)
    draft = await given_draft(billing, line(tax_code=code), customer=BUYER | buyer)

    done = (await billing.post(f"/v1/invoices/{draft['id']}/finalize")).json()
    answer = await data_of(billing, draft)

    assert rules_of(answer) == rules
    assert done["state"] == "finalized"
    assert done["e_invoice"] == {"valid": False, "reasons": answer.json()["reasons"]}
    assert all(set(reason) == {"rule", "pointer", "message"} for reason in answer.json()["reasons"])
    assert (await billing.get(f"/v1/invoices/{draft['id']}/pdf")).status_code == 200


async def test_a_company_registered_without_a_tax_id_may_be_reverse_charged(billing: httpx.AsyncClient):
    await given_seller(billing)
    code = await given_code(billing, "AE")
    buyer = BUYER | {"tax_id": None, "registration_number": "KRS 0000123456"}

    answer = await data_of(billing, await given_invoice(billing, line(tax_code=code), customer=buyer))

    assert_valid(answer.content)


async def test_a_seller_without_a_profile_is_told_what_it_lacks(billing: httpx.AsyncClient):
    invoice = await given_invoice(billing, customer=BUYER)

    answer = await data_of(billing, invoice)

    assert rules_of(answer) == {"BR-CO-26", "BR-S-02"}
    assert {reason["pointer"] for reason in answer.json()["reasons"]} == {"/seller/tax_id"}


async def test_out_of_scope_beside_taxed_is_refused(billing: httpx.AsyncClient):
    await given_seller(billing, tax_id="12 345 678", registration_number="01234567")
    code = await given_code(billing, "O")
    buyer = BUYER | {"tax_id": None}
    alone = await given_invoice(billing, line(tax_code=code), customer=buyer)
    beside = await given_invoice(billing, line(tax_code=code), line(), customer=buyer)

    assert_valid((await data_of(billing, alone)).content)
    assert rules_of(await data_of(billing, beside)) == {"BR-O-11", "BR-O-12"}


async def test_the_seeded_codes_of_a_country_without_a_known_rate_make_valid_documents(suite: Suite):
    there = await suite.new_tenant(country="US", currency="USD")
    billing = suite.client("billing", there)
    await given_seller(billing, tax_id="12-3456789", address=ADDRESS | {"country": "US"})
    invoice = await given_invoice(
        billing, line(currency="USD"), customer=BUYER | {"tax_id": None}, currency="USD"
    )

    assert_valid((await data_of(billing, invoice)).content)


async def test_amounts_of_three_decimals_are_refused_unless_two_say_them(suite: Suite, tenant: TenantFacts):
    billing = suite.client("billing", tenant)
    await given_seller(billing)
    code = await given_code(billing, "Z")
    fine, odd = [
        await given_invoice(
            billing, line(price, currency="KWD", tax_code=code), customer=BUYER, currency="KWD"
        )
        for price in ("10.120", "10.125")
    ]

    assert_valid((await data_of(billing, fine)).content)
    assert rules_of(await data_of(billing, odd)) == {
        "BR-DEC-09", "BR-DEC-14", "BR-DEC-18", "BR-DEC-19", "BR-DEC-23",
    }  # fmt: skip


async def test_a_draft_has_no_xml_and_says_that_it_is_a_draft(billing: httpx.AsyncClient):
    draft = await given_draft(billing)

    answer = await data_of(billing, draft)

    assert (answer.status_code, answer.json()["code"], answer.json()["state"]) == (409, "draft", "draft")
    assert "draft" in answer.json()["detail"]


async def test_who_requires_e_invoices_keeps_the_draft_of_one_that_is_none(billing: httpx.AsyncClient):
    await given_seller(billing, e_invoice_required=True)
    draft = await given_draft(billing)

    refused = await billing.post(f"/v1/invoices/{draft['id']}/finalize")
    stays = (await billing.get(f"/v1/invoices/{draft['id']}")).json()
    valid = await given_invoice(billing, customer=BUYER)

    assert rules_of(refused) == {"BR-11"}
    assert (stays["state"], stays["number"]) == ("draft", None)
    assert valid["number"].endswith("-000001")
    await given_seller(billing, e_invoice_required=False)
    assert (await billing.post(f"/v1/invoices/{draft['id']}/finalize")).json()["number"].endswith("-000002")


async def test_the_profile_says_whom_to_ask_and_how_to_reach_the_seller(billing: httpx.AsyncClient):
    facts = {
        "contact": {"name": "Jane Doe", "phone": "+44 20 7946 0000", "email": "jane@harbour.example"},
        "electronic_address": "0088:4012345000009",
        "payment_terms_text": "Net 30 days.",
    }

    changed = await given_seller(billing, **facts)
    answer = await data_of(billing, await given_invoice(billing, customer=BUYER))

    assert {name: changed[name] for name in facts} == facts
    assert changed["e_invoice_required"] is False
    assert_valid(answer.content)
    assert all(
        text in answer.text for text in ("Jane Doe", "+44 20 7946 0000", "4012345000009", "Net 30 days.")
    )
    refused = await billing.patch(
        "/v1/seller-profile", json={"electronic_address": "somewhere"}, headers={"if-match": "2"}
    )
    assert refused.json()["errors"][0]["pointer"] == "/electronic_address"


GERMAN = replace(
    SELLER, contact_name="Jana Nord", phone="+49 40 123456", contact_email="jana@nordlicht.example",
    electronic_address="9930:DE123456789",
)  # fmt: skip
XRECHNUNG = replace(
    document(seller=GERMAN, bank_account=BankAccount("Nordlicht", "DE89370400440532013000")),
    profile="xrechnung",
    references=replace(document().references, buyer_reference="04011000-12345-03"),
)


def as_en16931(data: bytes) -> bytes:
    """The same file for the official rules of the standard; only these know no other guideline than their own."""
    return data.replace(GUIDELINE.encode(), b"urn:cen.eu:en16931:2017")


def test_an_xrechnung_says_that_it_is_one_and_obeys_the_standard():
    note = replace(
        credit_note(), profile="xrechnung", seller=GERMAN,
        references=replace(credit_note().references, buyer_reference="04011000-12345-03"),
    )  # fmt: skip

    for content in (XRECHNUNG, note):
        data = render_xml(content)
        assert GUIDELINE.encode() in data
        assert judge().broken(as_en16931(data)) == []
        assert b"04011000-12345-03" in data


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({"bank_account": None}, {"BR-DE-1"}),
        ({"references": replace(XRECHNUNG.references, buyer_reference="")}, {"BR-DE-15"}),
        (
            {"seller": replace(GERMAN, contact_name="", phone="", contact_email="", email="")},
            {"BR-DE-2", "BR-DE-5", "BR-DE-6", "BR-DE-7"},
        ),
        ({"seller": replace(GERMAN, phone="1")}, {"BR-DE-27"}),
        ({"seller": replace(GERMAN, contact_email="jana")}, {"BR-DE-28"}),
        ({"seller": replace(GERMAN, electronic_address="", email="")}, {"PEPPOL-EN16931-R020"}),
        ({"buyer": replace(XRECHNUNG.buyer, email="")}, {"PEPPOL-EN16931-R010"}),
        (
            {
                "buyer": replace(
                    XRECHNUNG.buyer, address=replace(XRECHNUNG.buyer.address, city="", postal_code="")
                )
            },
            {"BR-DE-8", "BR-DE-9"},
        ),
        ({"payment_terms": "#SKONTO#TAGE=14#PROZENT=2,00#"}, {"BR-DE-18"}),
        ({"payment_terms": "#SKONTO#TAGE=14#PROZENT=2.00#\nNet 30 days"}, set()),
    ],
)
def test_what_an_xrechnung_lacks_is_named(changes: dict[str, Any], rules: set[str]):
    assert {each.rule for each in violations(replace(XRECHNUNG, **changes))} == rules


async def test_a_customer_who_asks_for_xrechnung_gets_it_or_reads_what_is_missing(billing: httpx.AsyncClient):
    buyer = BUYER | {
        "e_invoice": "xrechnung",
        "buyer_reference": "04011000-12345-03",
        "electronic_address": "EM:a@b.pl",
    }
    await given_seller(billing)
    lacking = await given_draft(billing, customer=buyer)
    done = (await billing.post(f"/v1/invoices/{lacking['id']}/finalize")).json()
    await given_seller(
        billing,
        contact={"name": "Jane Doe", "phone": "+44 20 7946 0000", "email": "jane@harbour.example"},
        electronic_address="9932:GB987654321",
        bank_account={"holder": "Harbour", "iban": "GB33BUKB20201555555555"},
    )

    complete = await given_draft(billing, customer=buyer)
    valid = (await billing.post(f"/v1/invoices/{complete['id']}/finalize")).json()
    answer = await data_of(billing, complete)

    assert {reason["rule"] for reason in done["e_invoice"]["reasons"]} == {
        "BR-DE-1", "BR-DE-2", "BR-DE-5", "BR-DE-6", "BR-DE-7", "PEPPOL-EN16931-R020",
    }  # fmt: skip
    assert valid["e_invoice"] == {"valid": True, "reasons": []}
    assert GUIDELINE in answer.text
    assert judge().broken(as_en16931(answer.content)) == []
