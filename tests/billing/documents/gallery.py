"""Documents to look at: `python -m tests.billing.documents.gallery FOLDER` writes them there as PDF.

Letters of East Asia and India need fonts (`BACKOFFICE_FONT_FOLDERS`, or Debian's fonts-noto-core and fonts-noto-cjk).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date
from functools import partial
from io import BytesIO
from pathlib import Path
from uuid import uuid4

from PIL import Image, ImageDraw

from services.billing.documents.content import (
    Address,
    BankAccount,
    DocumentContent,
    Party,
    References,
    TaxRow,
)
from services.billing.documents.pdf import draw_pdf
from services.billing.documents.rules import rounded
from services.billing.documents.statement import Account, Line, Overdue, Statement
from services.billing.documents.statement_pdf import draw_statement_pdf
from services.orders.papers.rules import Goods, GoodsPaper, Place, draw_goods_paper
from shared.paper.made import Paper
from shared.values.money import Money
from tests.billing.documents.samples import LINES, D, document, line

SELLER = Party(
    name="Nordlicht Büromöbel",
    legal_name="Nordlicht Büromöbel GmbH & Co. KG",
    tax_id="DE123456789",
    address=Address("Große Elbstraße 45", "Hamburg", "DE", postal_code="22767"),
    email="rechnung@nordlicht.example",
    registration_number="HRA 12345, Amtsgericht Hamburg",
    contact_name="Inken Thomsen",
    phone="+49 40 1234567",
)
ACCOUNT = BankAccount("Nordlicht Büromöbel GmbH & Co. KG", "DE89370400440532013000", "COBADEFFXXX")
BUYERS = {
    "DE": Party(
        "Möbelhaus Süd GmbH",
        Address("Sonnenstraße 1", "München", "DE", postal_code="80331"),
        tax_id="DE987654321",
    ),
    "FR": Party(
        "Ateliers Lumière SARL",
        Address("12, rue de l’Église", "Lyon", "FR", postal_code="69002"),
        tax_id="FR40303265045",
    ),
    "GB": Party(
        "Harbour & Sons Ltd",
        Address("4 Quay Road", "Bristol", "GB", postal_code="BS1 4XE"),
        tax_id="GB123456789",
    ),
    "JP": Party(
        "東京デザイン株式会社",
        Address("丸の内一丁目9番1号", "千代田区", "JP", region="東京都", postal_code="100-0005"),
    ),
    "IL": Party(
        'רהיטי הצפון בע"מ', Address("רחוב הרצל 12", "חיפה", "IL", postal_code="3303112"), tax_id="514321987"
    ),
    "AE": Party("شركة النور للأثاث", Address("شارع الشيخ زايد 101", "دبي", "AE")),
    "CH": Party(
        "Alpenblick AG",
        Address("Bahnhofstrasse 7", "Zürich", "CH", postal_code="8001"),
        tax_id="CHE123456788MWST",
    ),
}


def logo() -> bytes:
    """A picture such as a company has."""
    picture = Image.new("RGBA", (600, 200), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    pen.polygon([(20, 180), (100, 20), (180, 180)], fill=(31, 78, 121, 255))
    pen.ellipse([200, 60, 320, 180], fill=(230, 160, 40, 255))
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def gross(lines, decimals=2, **changes):
    """A document whose prices include tax."""
    with_tax = []
    for each in lines:
        total = rounded(each.quantity * each.unit_price, decimals) - each.discount
        net = rounded(total / (1 + each.tax_rate / 100), decimals)
        with_tax.append(replace(each, net=net, tax=total - net, gross=total))
    made = document(with_tax, decimals, prices="gross", **changes)
    rows = tuple(
        replace(row, tax=sum((x.tax for x in with_tax if x.tax_code == row.tax_code), D(0)))
        for row in made.tax_breakdown
    )
    tax = sum((row.tax for row in rows), D(0))
    return replace(made, tax_breakdown=rows, tax=tax, gross=made.net + tax, due=made.net + tax)


def free(category, code, country, language, **changes):
    """A document without tax, for a reason."""
    lines = [
        line("Height-adjustable desk", "12", "489.00", "0", category, code),
        line("Task chair", "12", "219.50", "0", category, code),
    ]
    return document(
        lines,
        seller=SELLER,
        buyer=BUYERS[country],
        language=language,
        payment_terms="",
        bank_account=ACCOUNT,
        **changes,
    )


def documents() -> dict[str, DocumentContent]:
    """What the gallery shows, by file name."""
    usual = {"seller": SELLER, "bank_account": ACCOUNT, "payment_terms": ""}
    german = {**usual, "buyer": BUYERS["DE"], "language": "de"}
    shown = [
        line("Schreibtisch, höhenverstellbar, Eiche, 160 × 80 cm", "6", "581.91", discount="174.57"),
        line("Bürostuhl „Fjord“, schwarz", "6", "261.21"),
        line("Handbuch „Ergonomie am Arbeitsplatz“", "6", "24.90", rate="7", code="DE-R"),
        replace(line("Montage", "2.5", "89.25"), unit="HUR"),
    ]
    original = References(
        original_invoice_number="INV-2026-000017", original_invoice_issued_on=date(2026, 3, 6)
    )
    exempt = TaxRow("DE-E", "E", D(0), D("8502.00"), D(0), "§ 4 Nr. 21 UStG")
    return {
        "01-net-en": document(**usual, buyer=BUYERS["GB"], paid=D("1000.00"), due=D("4526.56")),
        "02-gross-de": gross(shown, **german, notes="Vielen Dank für Ihren Auftrag.\nWir liefern frei Haus."),
        "03-credit-note-de": document(
            LINES[1:2],
            **german,
            kind="credit_note",
            number="CN-2026-000003",
            due_on=None,
            references=original,
            notes="Zwei Stühle kamen beschädigt an.",
        ),
        "04-reverse-charge-fr": free("AE", "DE-RC", "FR", "fr"),
        "05-intra-eu-fr": free("K", "DE-IC", "FR", "fr"),
        "06-export-de-ch": free("G", "DE-EX", "CH", "de", currency="CHF"),
        "07-exempt-de": replace(free("E", "DE-E", "DE", "de"), tax_breakdown=(exempt,)),
        "08-yen-japanese": document(
            [
                line(
                    "オフィスチェア「フィヨルド」、黒。高さ調節可能な机と組み合わせてご利用ください。",
                    "4",
                    "32000",
                    "10",
                    code="JP-10",
                    decimals=0,
                ),
                line("Desk 机", "1", "98000", "10", code="JP-10", decimals=0),
            ],
            0,
            currency="JPY",
            seller=replace(
                SELLER,
                name="北光家具",
                legal_name="北光家具株式会社",
                tax_id="T1234567890123",
                address=Address("札幌市中央区1-1", "札幌", "JP"),
            ),
            buyer=BUYERS["JP"],
            payment_terms="",
            notes="お買い上げありがとうございます。",
        ),
        "09-dinar-arabic": document(
            [
                line("كرسي مكتب أسود مع مسند للرأس", "3", "41.250", "5", decimals=3),
                line("Desk, oak", "1", "120.500", "5", decimals=3),
            ],
            3,
            **usual | {"bank_account": None},
            currency="KWD",
            buyer=BUYERS["AE"],
            notes="شكرا لطلبكم رقم 42 من ABC.",
        ),
        "10-hebrew": document(
            [line('שולחן עבודה (160 × 80 ס"מ) דגם FJORD', "2", "489.00"), LINES[1]],
            **usual,
            buyer=BUYERS["IL"],
            notes="תודה על ההזמנה!",
        ),
        "11-sixty-lines-fr": document(
            [
                line(
                    f"Référence {n:03d}, tablette en chêne massif huilé"
                    + ", avec consoles et visserie assorties" * (n % 7 == 0),
                    str(n % 9 + 1),
                    f"{n}.45",
                    discount="0.50" if n % 5 == 0 else "0",
                )
                for n in range(1, 61)
            ],
            **usual,
            buyer=BUYERS["FR"],
            language="fr",
        ),
        "12-draft-fr": document(**usual, buyer=BUYERS["FR"], language="fr", state="draft", number=""),
        "14-due-at-once-en": document(
            LINES[3:4],
            **usual,
            buyer=BUYERS["DE"],
            due_on=None,
            references=References(buyer_reference="04011000-12345-34"),
        ),
    }


def statement(language="en", buyer="GB"):
    """A customer's account in two currencies, something of it overdue."""
    pounds, euros = (partial(Money.parse, currency=unit) for unit in ("GBP", "EUR"))
    day, number = date(2026, 3, 6), "INV-2026-000017"
    lines = (
        Line(day, "invoice", None, number, "", date(2026, 3, 20), pounds("5526.56"), pounds("5646.56")),
        Line(
            date(2026, 3, 9),
            "credit_note",
            None,
            "CN-2026-000003",
            "",
            None,
            -pounds("120.00"),
            pounds("5526.56"),
        ),
        Line(date(2026, 3, 12), "payment", None, None, "", None, -pounds("1000.00"), pounds("4526.56")),
    )
    overdue = (Overdue(uuid4(), "invoice", number, date(2026, 3, 20), pounds("4526.56")),)
    accounts = (
        Account("GBP", 2, pounds("120.00"), lines, pounds("4526.56"), pounds("4526.56"), overdue),
        Account("EUR", 2, euros("0.00"), (), euros("0.00"), euros("0.00"), ()),
    )
    return Statement(
        uuid4(), SELLER, BUYERS[buyer], date(2026, 3, 1), date(2026, 3, 31), accounts, language=language
    )


def goods_paper(kind, language, **changes):
    """What goes along with a delivery of twelve things."""
    goods = tuple(
        Goods(
            f"NB-{n:04d}-OAK",
            "Shelf board, solid oak, oiled" + ", with brackets and screws for walls of brick" * (n % 3 == 0),
            D(n + 2),
            D(n),
            "MTR" if n == 5 else "C62",
        )
        for n in range(1, 13)
    )
    return GoodsPaper(
        kind=kind,
        number="SO-2026-000042/1",
        day=date(2026, 3, 5),
        language=language,
        house="Nordlicht Büromöbel",
        house_legal_name="Nordlicht Büromöbel GmbH & Co. KG",
        house_country="DE",
        warehouse="Lager Süd",
        customer="Ateliers Lumière SARL",
        place=Place("12, rue de l’Église", "", "69002", "Lyon", "", "FR"),
        goods=goods,
        shipped=kind == "delivery_note",
        order_number="SO-2026-000042",
        purchase_order="4500017",
        parcels=("DHL 00340434161094042557", "DHL 00340434161094042558") if kind == "delivery_note" else (),
        notes="Ring twice, the yard is behind the house.",
        **changes,
    )


def papers() -> dict[str, Paper]:
    """All of the gallery, by file name."""
    drawn = {
        name: draw_pdf(content, logo() if name.startswith(("01", "02")) else b"")
        for name, content in documents().items()
    }
    return drawn | {
        "15-statement-en": draw_statement_pdf(statement()),
        "16-statement-fr": draw_statement_pdf(statement("fr", "FR"), logo()),
        "17-delivery-note-fr": draw_goods_paper(goods_paper("delivery_note", "fr")),
        "18-pick-list-de": draw_goods_paper(goods_paper("pick_list", "de")),
        "19-delivery-note-en": draw_goods_paper(goods_paper("delivery_note", "en")),
    }


def main(folder: Path) -> None:
    """Write every document into the folder, and say what could not be printed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, made in papers().items():
        (folder / f"{name}.pdf").write_bytes(made.content)
        sys.stdout.write(f"{name} {len(made.content)} {' '.join(made.warnings)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
