"""Every shape of document, judged by the official rules of EN 16931; and by them, too, what our rules refuse."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.billing.documents import xml
from services.billing.documents.content import Address, BankAccount, DocumentContent, Party, References
from services.billing.documents.rules import rounded, violations
from services.billing.documents.xml import render_xml
from shared.values.money import currency_digits

from .official_rules import assert_valid, judge
from .samples import D, document, line

SELLERS = {
    "DE": Party(
        "Nordlicht", Address("Elbstraße 4", "Hamburg", "DE", postal_code="22767"), tax_id="DE123456789"
    ),
    "FR": Party("Midi", Address("1 rue du Port", "Lyon", "FR", postal_code="69001"), tax_id="FR40303265045"),
    "GB": Party(
        "Harbour", Address("1 High Street", "Leeds", "GB", postal_code="LS1 1AA"), tax_id="GB987654321"
    ),
    "GR": Party("Thalassa", Address("Ermou 1", "Athens", "GR", postal_code="10563"), tax_id="EL123456789"),
    "US": Party("Austin Tools", Address("1 Main St", "Austin", "US", "", "TX", "78701"), tax_id="12-3456789"),
    "CH": Party("Berg", Address("Gasse 1", "Bern", "CH", postal_code="3011"), tax_id="CHE-123.456.788"),
}
BUYER = Party(
    "Łódź Sp. z o.o.", Address("Piotrkowska 104", "Łódź", "PL", postal_code="90-004"), tax_id="PL5260001246"
)
CURRENCIES = ("EUR", "GBP", "USD", "JPY", "KWD", "CHF")
RATES = {"S": "19", "Z": "0", "E": "0", "AE": "0", "K": "0", "G": "0", "O": "0"}


def priced(description, quantity, price, category, *, prices, decimals, percent="0"):
    """A line as the tax function makes it: multiplied, then rounded once."""
    rate = D(RATES[category])
    full = D(quantity) * D(price)
    stated = rounded(full * (1 - D(percent) / 100), decimals)
    net = (
        stated
        if prices == "net"
        else (stated * 100 / (100 + rate)).quantize(D(1).scaleb(-decimals), ROUND_HALF_UP)
    )
    tax = rounded(net * rate / 100, decimals) if prices == "net" else stated - net
    made = line(description, quantity, price, RATES[category], category, category, decimals=decimals)
    return replace(made, net=net, tax=tax, gross=net + tax, discount=rounded(full, decimals) - stated)


def shape(
    seller="DE", category="S", currency="EUR", prices="net", kind="invoice", **changes
) -> DocumentContent:
    """A document of three lines, one of them with a discount, or a credit note of it."""
    decimals = currency_digits(currency)
    unit = D(1).scaleb(-min(decimals, 2))
    lines = [
        priced("Desk", "3", 489 * unit + 10, category, prices=prices, decimals=decimals, percent="5"),
        priced("Cable, by the metre", "12.5", 18 + unit, category, prices=prices, decimals=decimals),
        priced("Sample", "1", "0", category, prices=prices, decimals=decimals),
    ]
    of = {"original_invoice_number": "INV-2026-000001", "original_invoice_issued_on": date(2026, 2, 1)}
    standing = {
        "kind": kind,
        "number": "INV-2026-000017" if kind == "invoice" else "CN-2026-000003",
        "seller": SELLERS[seller],
        "buyer": replace(BUYER, tax_id="") if category == "O" else BUYER,
        "currency": currency,
        "prices": prices,
        "due_on": date(2026, 4, 5) if kind == "invoice" else None,
        "references": References("SO-1", "PO-1", "REF-1", **(of if kind == "credit_note" else {})),
        "bank_account": BankAccount("Holder", "DE89370400440532013000", "COBADEFFXXX")
        if kind == "invoice"
        else None,
    }
    return document(lines, decimals, **(standing | changes))


SHAPES = {
    f"{seller} {category} {currency} {prices} {kind}": shape(seller, category, currency, prices, kind)
    for seller, category, currency, prices, kind in product(
        SELLERS, RATES, ("EUR", "GBP", "JPY"), ("net", "gross"), ("invoice", "credit_note")
    )
}
SOUND = {name: content for name, content in SHAPES.items() if not violations(content)}


def unchecked(content: DocumentContent, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The file that would be served if nothing were refused."""
    with monkeypatch.context() as patch:
        patch.setattr(xml, "require_sound", lambda _: None)
        return render_xml(content)


@pytest.mark.parametrize("seller", SELLERS)
@pytest.mark.parametrize("category", RATES)
def test_every_shape_that_is_served_is_valid(seller, category):
    sound = [c for name, c in SOUND.items() if name.startswith(f"{seller} {category} ")]

    for content in sound:
        assert judge().broken(render_xml(content)) == []
    # Sellers with a VAT id do everything but what is out of scope, those without one what needs none.
    with_vat_id = {"S", "Z", "E", "AE", "K", "G"}
    assert bool(sound) == (category in ({"S", "Z", "E", "AE", "O"} if seller == "US" else with_vat_id))


def test_most_shapes_are_sound():
    assert len(SOUND) > 350


@pytest.mark.parametrize("currency", CURRENCIES)
def test_currencies_of_zero_two_and_three_decimals(currency, monkeypatch):
    whole = document([line("x", "3", "7", "0", "Z", decimals=currency_digits(currency))], currency_digits(currency),
                     currency=currency)  # fmt: skip
    odd = shape(currency=currency)

    assert_valid(render_xml(whole))
    if currency != "KWD":
        assert_valid(render_xml(odd))
        return
    refused = {each.rule for each in violations(odd)}
    assert "BR-DEC-23" in refused
    assert {rule for rule in refused if rule.startswith("BR-DEC")} == refused
    assert render_xml(replace(whole, currency="KWD", decimals=3)).count(b"21.000") == 0
    assert unchecked(odd, monkeypatch) != b""


def test_the_tax_of_a_part_may_be_off_by_the_cent_that_its_order_is_exact_by():
    """4.02 and 4.02 at 20 %: 0.80, then 0.81, since the order's tax is 1.61."""
    for tax in (D("0.80"), D("0.81")):
        whole = document([replace(line("x", "1", "4.02", "20"), tax=tax, gross=D("4.02") + tax)])
        (row,) = whole.tax_breakdown
        part = replace(
            whole,
            tax_breakdown=(replace(row, tax=tax),),
            tax=tax,
            gross=whole.net + tax,
            due=whole.net + tax,
        )

        assert violations(part) == ()
        assert_valid(render_xml(part))


BROKEN = {
    "a seller without any id": (shape(seller="DE"), {"seller": {"tax_id": ""}}, {"BR-CO-26", "BR-S-02"}),
    "tax charged without a tax id": (
        shape(), {"seller": {"tax_id": "", "registration_number": "HRB 1"}}, {"BR-S-02"},
    ),
    "zero rate without a tax id": (
        shape(category="Z"), {"seller": {"tax_id": "", "registration_number": "HRB 1"}}, {"BR-Z-02"},
    ),
    "exempt without a tax id": (
        shape(category="E"), {"seller": {"tax_id": "", "registration_number": "HRB 1"}}, {"BR-E-02"},
    ),
    "reverse charge to nobody known": (shape(category="AE"), {"buyer": {"tax_id": ""}}, {"BR-AE-02"}),
    "intra-Community to one without a VAT id": (shape(category="K"), {"buyer": {"tax_id": ""}}, {"BR-IC-02"}),
    "intra-Community with a number that has no prefix": (
        shape(category="K"), {"buyer": {"tax_id": "5260001246"}}, {"BR-IC-02"},
    ),
    "intra-Community without a day": (shape(category="K"), {"delivered_on": None}, {"BR-IC-11"}),
    "export by a seller without a VAT id": (
        shape(category="G"), {"seller": {"tax_id": "22/815/08156"}}, {"BR-G-02"},
    ),
    "out of scope with the seller's VAT id": (shape("US", "O"), {"seller": {"tax_id": "DE123456789"}}, {"BR-O-02"}),
    "out of scope with the buyer's VAT id": (shape("US", "O"), {"buyer": {"tax_id": "PL5260001246"}}, {"BR-O-02"}),
    "no country of the buyer": (shape(), {"buyer": {"address": Address("", "", "")}}, {"BR-11"}),
    "no country of the seller": (shape(), {"seller": {"address": Address("", "", "")}}, {"BR-09"}),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_missing_is_named_by_our_rules_as_by_the_official_ones(name, monkeypatch):
    content, changes, expected = BROKEN[name]
    parties = {
        key: replace(getattr(content, key), **value)
        for key, value in changes.items()
        if key != "delivered_on"
    }
    content = replace(content, **(changes | parties))

    assert {each.rule for each in violations(content)} == expected
    assert expected <= judge().codes(unchecked(content, monkeypatch))
    assert all(each.message and each.pointer.startswith("/") for each in violations(content))


def test_a_standard_rate_of_nothing_is_refused_as_the_official_rules_do(monkeypatch):
    content = document([line("x", "1", "10.00", "0", "S")])

    assert {each.rule for each in violations(content)} == {"BR-S-05"}
    assert "BR-S-05" in judge().codes(unchecked(content, monkeypatch))


def test_out_of_scope_beside_taxed_is_refused_as_the_official_rules_do(monkeypatch):
    mixed = document(
        [line("x", rate="0", category="O"), line("y")], seller=SELLERS["US"], buyer=replace(BUYER, tax_id="")
    )

    assert {each.rule for each in violations(mixed)} == {"BR-O-11", "BR-O-12"}
    assert {"BR-O-11", "BR-O-12"} <= judge().codes(unchecked(mixed, monkeypatch))


parties = st.builds(
    Party,
    name=st.sampled_from(("A", "Größe & Söhne <KG>", "株式会社", " ")),
    address=st.builds(
        Address, st.sampled_from(("", "1 Road")), st.sampled_from(("", "Town")),
        st.sampled_from(("DE", "FR", "GB", "US", "XI", "")),
    ),
    legal_name=st.sampled_from(("", "A Ltd")),
    tax_id=st.sampled_from(
        ("DE123456789", "FR40303265045", "XI123", "el123456789", "US123", "12-3456789", "DE", " ", "")
    ),
    email=st.sampled_from(("", "a@example.com")),
    registration_number=st.sampled_from(("", "HRB 1")),
    electronic_address=st.sampled_from(("", "0088:4012345000009", "EM:a@example.com", "EM:", "nonsense")),
    contact_name=st.sampled_from(("", "Jane")),
    phone=st.sampled_from(("", "+49 40 1")),
)  # fmt: skip
lines_of = st.lists(
    st.tuples(
        st.sampled_from(tuple(RATES)),
        st.decimals("0.001", "5000", places=3, allow_nan=False),
        st.decimals("0", "900", places=4, allow_nan=False),
        st.sampled_from(("0", "3.5", "100")),
        st.text(max_size=8),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seller=parties,
    buyer=parties,
    lines=lines_of,
    currency=st.sampled_from(CURRENCIES),
    prices=st.sampled_from(("net", "gross")),
    kind=st.sampled_from(("invoice", "credit_note")),
    paid=st.booleans(),
    days=st.tuples(st.booleans(), st.booleans()),
    notes=st.text(max_size=20),
)
def test_no_content_that_our_rules_call_sound_breaks_the_official_rules(
    seller, buyer, lines, currency, prices, kind, paid, days, notes
):
    decimals = currency_digits(currency)
    made = [
        priced(text, str(quantity), str(price), category, prices=prices, decimals=decimals, percent=percent)
        for category, quantity, price, percent, text in lines
    ]
    beside = [each for each in made if (each.tax_category == "O") == (made[0].tax_category == "O")]
    content = document(
        beside, decimals, seller=seller, buyer=buyer, currency=currency, prices=prices, kind=kind, notes=notes,
        due_on=date(2026, 4, 5) if days[0] else None, delivered_on=date(2026, 3, 5) if days[1] else None,
        payment_terms="",
    )  # fmt: skip
    if paid:
        content = replace(content, paid=content.gross, due=D(0))
    if not violations(content):
        assert judge().broken(render_xml(content)) == []
