"""Documents a back office sends, as values for the renderers' tests."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal

from services.billing.documents.content import (
    Address,
    DocumentContent,
    DocumentLine,
    Party,
    References,
    TaxRow,
)
from services.billing.documents.rules import rounded

D = Decimal
SELLER = Party(
    name="Nordlicht Büromöbel",
    legal_name="Nordlicht Büromöbel GmbH & Co. KG",
    tax_id="DE123456789",
    address=Address("Große Elbstraße 45", "Hamburg", "DE", postal_code="22767"),
    email="rechnung@nordlicht.example",
)
BUYER = Party(
    name="Przedsiębiorstwo Łódź Sp. z o.o.",
    tax_id="PL5260001246",
    address=Address("ul. Piotrkowska 104", "Łódź", "PL", line2="III piętro", postal_code="90-004"),
    email="faktury@lodz.example",
)


def line(
    description,
    quantity="1",
    unit_price="10.00",
    rate="19",
    category="S",
    code="DE-S",
    discount="0",
    decimals=2,
):
    net = rounded(D(quantity) * D(unit_price), decimals) - D(discount)
    tax = rounded(net * D(rate) / 100, decimals)
    return DocumentLine(
        description=description,
        quantity=D(quantity),
        unit_price=D(unit_price),
        tax_code=code,
        tax_category=category,
        tax_rate=D(rate),
        net=net,
        tax=tax,
        gross=net + tax,
        discount=D(discount),
    )


LINES = (
    line("Height-adjustable desk, oak, 160 × 80 cm", "6", "489.00", discount="146.70"),
    line("Task chair «Fjord», black", "6", "219.50"),
    line(
        "Cable tray, powder-coated steel, with two clamps and mounting kit, for desks from 120 to 200 cm",
        "12.5",
        "18.0425",
    ),
    line("Handbook “Ergonomics at work”, 3rd edition", "6", "24.90", rate="7", code="DE-R"),
    line("Delivery and assembly, Łódź", "1", "180.00"),
)


def document(lines=LINES, decimals=2, **changes):
    rows: dict[tuple[str, str, Decimal], Decimal] = defaultdict(Decimal)
    for item in lines:
        rows[item.tax_code, item.tax_category, item.tax_rate] += item.net
    breakdown = tuple(
        TaxRow(code, category, rate, base, rounded(base * rate / 100, decimals))
        for (code, category, rate), base in rows.items()
    )
    net = sum((item.net for item in lines), D(0))
    tax = sum((row.tax for row in breakdown), D(0))
    content = DocumentContent(
        kind="invoice",
        number="INV-2026-000017",
        state="finalized",
        issued_on=date(2026, 3, 6),
        due_on=date(2026, 4, 5),
        delivered_on=date(2026, 3, 5),
        currency="EUR",
        decimals=decimals,
        seller=SELLER,
        buyer=BUYER,
        lines=tuple(lines),
        tax_breakdown=breakdown,
        net=net,
        tax=tax,
        gross=net + tax,
        paid=D(0),
        due=net + tax,
        payment_terms="Payable within 30 days, without deduction, to IBAN DE89 3704 0044 0532 0130 00.",
        references=References(order_number="SO-2026-000042", purchase_order="4500017"),
        notes="Thank you for your order.",
    )
    return replace(content, **changes)


def credit_note():
    return document(
        LINES[1:2],
        kind="credit_note",
        number="CN-2026-000003",
        due_on=None,
        payment_terms="",
        references=References(
            original_invoice_number="INV-2026-000017", original_invoice_issued_on=date(2026, 3, 6)
        ),
        notes="Two chairs arrived damaged.",
    )
