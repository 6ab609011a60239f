"""Files as programs of the trade write them: delimiters, decimal signs, encodings, and what a spreadsheet mangles."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orders.imports.rules import DEFAULT_MAPPING, FileOrder, UnreadableFile
from services.orders.imports.rules.model import Code, Number, RefusedRow
from services.orders.imports.rules.numbers import read_number
from tests.orders.imports.given_files import CSV, only, orders_of, problems

Read = Callable[..., list[FileOrder]]
HEADER = "order_ref,sku,quantity,unit_price,customer_ref,ordered_at\n"
COMMA = replace(CSV, decimal=",")


@pytest.fixture
def read(tmp_path: Path) -> Read:
    return partial(orders_of, tmp_path / "orders")


def row(ref: str = "A1", **cells: str) -> str:
    given = {
        "sku": "S1",
        "quantity": "1",
        "unit_price": "1.50",
        "customer_ref": "C1",
        "ordered_at": "",
    } | cells
    return ",".join([ref, *given.values()]) + "\n"


GERMAN = (
    "Belegnr;Artikel;Bezeichnung;Menge;Preis;Kunde;Datum;Land\r\n"
    'R-7;00471;"Gerät; klein";1,5;1.234,50;K1;31.03.2026;Österreich\r\n'
    "R-7;00472;Schraube M8;1000;0,09;K1;31.03.2026;Österreich\r\n"
    ";;;;;;;\r\n"
)
GERMAN_MAPPING = DEFAULT_MAPPING | {
    "order_ref": "Belegnr", "sku": "Artikel", "description": "Bezeichnung", "quantity": "Menge", "unit_price": "Preis",
    "customer_ref": "Kunde", "ordered_at": "Datum", "country": "Land",
}  # fmt: skip
GERMAN_READING = replace(COMMA, mapping=GERMAN_MAPPING, date_format="%d.%m.%Y")


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (GERMAN.encode("cp1252"), "windows-1252"),
        (GERMAN.encode("utf-8-sig"), "utf-8"),
        (GERMAN.encode("utf-8-sig"), "windows-1252"),  # the mark counts more
        (GERMAN.replace(";", "\t").encode("utf-16"), "utf-8"),  # what Excel calls Unicode text
        (b"\xfe\xff" + GERMAN.replace(";", "\t").encode("utf-16-be"), "utf-8"),
        (("sep=;\r\n" + GERMAN).encode(), "utf-8"),
        (("\r\n" + normalize("NFD", GERMAN)).encode(), "utf-8"),
    ],
    ids=["cp1252", "utf-8 with a mark", "the mark", "utf-16", "utf-16 big-endian", "sep=", "decomposed"],
)
def test_what_a_german_spreadsheet_exports_is_read(read: Read, content: bytes, encoding: str):
    content = content.replace(b'"Ger\xe4t\t klein"', b'"Ger\xe4t; klein"')
    order = only(read(content, replace(GERMAN_READING, encoding=encoding)))

    assert (order.order_ref, order.customer_ref, order.head["country"]) == ("R-7", "K1", "AT")
    assert str(order.ordered_at) == "2026-03-30 23:00:00+00:00"
    assert [(r.sku, r.quantity, r.unit_price) for r in order.rows] == [
        ("00471", Decimal("1.5"), Decimal("1234.50")),
        ("00472", Decimal(1000), Decimal("0.09")),
    ]
    assert order.rows[0].description.startswith("Gerät")


@pytest.mark.parametrize("sign", [",", ";", "\t"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_the_delimiter_is_known_by_the_header(read: Read, sign: str, quoting: int):
    text = io.StringIO()
    write = csv.writer(text, delimiter=sign, quoting=quoting).writerow
    write(["order_ref", "a;b,c\td", "sku", "quantity", "customer_ref"])
    write(["A1", "x", "S;1,2", "1", "C1"])

    for said in ("auto", {",": ",", ";": ";", "\t": "tab"}[sign]):
        assert only(read(text.getvalue().encode(), replace(CSV, delimiter=said))).rows[0].sku == "S;1,2"


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        ("order_ref;sku;quantity;x,order_ref,sku,quantity,y\n", "delimiter_ambiguous", "option delimiter"),
        ("sep=|\norder_ref|sku|quantity\n", "delimiter_unknown", "sep=|"),
        ("order_ref|sku|quantity\nA|B|1\n", "column_missing", "order_ref (order_ref)"),
        ("order_ref,sku,quantity,sku\nA,B,1,C\n", "column_twice", "names sku twice"),
        ("order_ref,sku,quantity,cafe\u0301,café\nA,B,1,C,D\n", "column_twice", "café twice"),
        ("sep=;\n", "file_empty", "empty"),
        ("order_ref,sku,quantity\n,,\n , ,\t\n,,,,,,\n", "file_empty", "no rows"),
        ("PK\x03\x04", "format_wrong", "xlsx"),
    ],
)
def test_a_file_that_cannot_be_told_is_refused_with_a_cure(read: Read, content: str, code: str, told: str):
    reading = replace(CSV, mapping=DEFAULT_MAPPING | {"description": "café"}) if "café" in content else CSV
    with pytest.raises(UnreadableFile) as refused:
        read(content.encode(), reading)

    assert (refused.value.code, told in refused.value.detail) == (code, True), refused.value.detail


def test_a_name_that_stands_twice_where_nothing_is_read_does_no_harm(read: Read):
    content = "order_ref,note,sku,note,quantity,customer_ref,,\nA1,x,S1,y,1,C1,,\n"

    assert only(read(content.encode())).rows[0].sku == "S1"


def test_rows_of_blanks_are_no_rows_and_keep_their_numbers(read: Read):
    content = HEADER + row("A1") + ",,,,,\n" + ' ,"\t",,,,\n' + ",\n" + row("A2") + '"","","","","",""\n'

    assert [o.numbers for o in read(content.encode())] == [[1], [5]]


NUMBERS = [
    # a text, and what it is with a point and with a comma for decimals: a number, AMBIGUOUS, or no number
    ("1", "1", "1"),
    ("1.5", "1.5", None),
    ("1,5", None, "1.5"),
    ("1,234", Code.AMBIGUOUS, "1.234"),
    ("1.234", "1.234", Code.AMBIGUOUS),
    ("-12,345", Code.AMBIGUOUS, "-12.345"),
    ("1,234.50", "1234.50", None),
    ("1.234,50", None, "1234.50"),
    ("1,234,567", "1234567", None),
    ("1.234.567", None, "1234567"),
    ("1.234.567,8", None, "1234567.8"),
    ("1 234,5", None, "1234.5"),
    ("1\u202f234\u202f567", "1234567", "1234567"),
    ("1\u00a0234.5", "1234.5", None),
    ("1'234.50", "1234.50", None),
    ("12,34", None, "12.34"),
    ("1,2345", None, "1.2345"),
    ("1234,567", None, "1234.567"),
    ("1,23,456", None, None),
    ("1.2.3", None, None),
    ("+5", "5", "5"),
    (".5", "0.5", None),
    (",5", None, "0.5"),
    ("5.", "5", None),
    ("", None, None),
    ("1e3", None, None),
    ("٣", None, None),
    ("1_000", None, None),
    ("£5", None, None),
    ("NaN", None, None),
    ("1" * 41, None, None),
]


def number(text: str, decimal: str) -> object:
    try:
        return read_number("price", text, decimal, RefusedRow(Code.PRICE, "no number"))
    except RefusedRow as refused:
        return refused.code if refused.code == Code.AMBIGUOUS else None


@pytest.mark.parametrize(("text", "point", "comma"), NUMBERS)
def test_a_number_is_what_the_decimal_sign_says_and_never_guessed(text: str, point: object, comma: object):
    for decimal, wanted in ((".", point), (",", comma)):
        assert number(text, decimal) == (Decimal(wanted) if type(wanted) is str else wanted)


@given(st.decimals(-(10**9), 10**9, places=6), st.sampled_from([",", "."]))
def test_a_number_written_in_either_way_comes_back(value: Decimal, decimal: str):
    grouped = f"{value:,f}"
    if decimal == ",":
        grouped = grouped.translate(str.maketrans(",.", ".,"))

    assert number(f"{value:f}".replace(".", decimal), decimal) == value
    assert number(grouped, decimal) == value
    assert number(Number(f"{value:f}"), decimal) == value


MANGLED = ("1.23457E+11", "1,23457E+11", "5e+10", "####", "#REF!", "#N/A", "#NV", "#WERT!", "#DIV/0!")


@pytest.mark.parametrize("text", MANGLED)
@pytest.mark.parametrize("field", ["order_ref", "sku", "customer_ref"])
def test_what_a_spreadsheet_has_mangled_is_no_reference(read: Read, text: str, field: str):
    cell = f'"{text}"'
    line = row(cell) if field == "order_ref" else row(**{field: cell})

    (problem,) = (p for order in read((HEADER + line).encode()) for p in order.problems)

    assert problem.code == "reference_mangled"
    assert text in problem.message
    assert "Format the column as text" in problem.message


@pytest.mark.parametrize("text", ["12345678901", "1E5", "E+11", "1.5E", "#1001", "#VIP", "1-2", "0012"])
def test_what_only_looks_like_it_is_a_reference(read: Read, text: str):
    assert only(read((HEADER + row(text, sku=text, customer_ref=text)).encode())).order_ref == text


ONCE = {
    "ordered_at": ("2026-03-01", "2026-03-02", "date_conflict"),
    "customer_ref": ("C1", "C2", "customer_conflict"),
    "customer_email": ("a@b.example", "c@b.example", "customer_conflict"),
    "customer_name": ("Ann", "Bob", "customer_conflict"),
    "country": ("GB", "FR", "customer_conflict"),
    "currency": ("EUR", "GBP", "currency_conflict"),
    "ship_to_city": ("York", "Leeds", "ship_to_conflict"),
    "shipping_charge": ("4.90", "5.00", "charge_conflict"),
}


@pytest.mark.parametrize("field", ONCE)
def test_rows_of_an_order_say_the_same_of_it(read: Read, field: str):
    first, second, code = ONCE[field]
    names = ["order_ref", "sku", "quantity", *dict.fromkeys(["customer_ref", field])]
    lines = [",".join(names)]
    for ref, value in (
        ("A1", first),
        ("A1", second),
        ("A2", first),
        ("A2", "" if field != "customer_ref" else first),
    ):
        lines.append(
            ",".join([ref, "S1", "1", *dict.fromkeys(["C1", value] if field != "customer_ref" else [value])])
        )

    orders = read("\n".join(lines).encode())

    found = problems(orders)
    assert found[1] == ("A1", "order_refused")
    assert found[2] == ("A1", code)
    assert found.get(3, ("", ""))[1] == ("address_incomplete" if field == "ship_to_city" else "")


def test_an_order_is_of_a_day_whatever_the_minute(read: Read):
    lines = (
        row(ordered_at="2026-03-01T10:00:00")
        + row(ordered_at="2026-03-01T10:01:00")
        + row("A2", ordered_at="")
    )

    first, second = read((HEADER + lines).encode())

    assert (first.problems, str(first.ordered_at), second.ordered_at) == (
        [],
        "2026-03-01 10:00:00+00:00",
        None,
    )


def test_where_the_offset_makes_it_another_day_it_is_another_day(read: Read):
    lines = row(ordered_at="2026-03-01T23:30:00Z") + row(ordered_at="2026-03-02T01:00:00+02:00")

    assert problems(read((HEADER + lines).encode())) == {}
    lines = row(ordered_at="2026-03-01T23:30:00Z") + row(ordered_at="2026-03-01T23:30:00-02:00")
    assert problems(read((HEADER + lines).encode()))[2] == ("A1", "date_conflict")


ADDRESSES = [
    ("ship_to_line1,ship_to_city,ship_to_country", "1 Mill Lane,York,", "ship_to_country"),
    ("ship_to_country", "GB", "ship_to_line1, ship_to_city"),
    ("billing_line1,billing_city", "1 Mill Lane,York", "country is missing"),
    ("billing_city,country", "York,GB", "billing_line1"),
]


@pytest.mark.parametrize(("names", "cells", "told"), ADDRESSES)
def test_half_an_address_is_refused_by_what_it_lacks(read: Read, names: str, cells: str, told: str):
    content = f"order_ref,sku,quantity,customer_ref,{names}\nA1,S1,1,C1,{cells}\n"

    (problem,) = (p for order in read(content.encode()) for p in order.problems)

    assert problem.code == "address_incomplete"
    assert told in problem.message


@pytest.mark.parametrize(
    ("name", "code"),
    [("GB", "GB"), ("gb", "GB"), ("GBR", "GB"), ("United Kingdom", "GB"), ("Royaume-Uni", "GB"), ("EIRE", "IE"),
     ("Österreich", "AT"), (normalize("NFD", "Österreich"), "AT"), ("DEUTSCHLAND", "DE"), ("USA", "US"),
     ("Kosovo", "XK"), ("Atlantis", None), ("Europe", None), ("EU", None), ("Unspecified", None)],
)  # fmt: skip
def test_a_country_is_known_by_its_code_or_one_of_its_names(read: Read, name: str, code: str | None):
    content = f"order_ref,sku,quantity,customer_ref,country\nA1,S1,1,C1,{name}\n"

    (order,) = read(content.encode())

    assert order.head.get("country") == code
    assert [p.code for p in order.problems] == ([] if code else ["country_unknown"])


def test_without_a_column_for_it_a_customer_is_named_by_e_mail(read: Read):
    content = (
        "order_ref,sku,quantity,customer_email\nA1,S1,1,Ann@Example.com\nA1,S2,1,ann@example.COM\nA2,S1,1,\n"
    )

    first, second = read(content.encode())

    assert (first.customer_ref, first.head["customer_email"], first.problems) == (
        "ann@example.com", "Ann@Example.com", [],
    )  # fmt: skip
    assert [p.code for p in second.problems] == ["customer_missing"]


def test_numbers_of_json_are_numbers_and_texts_follow_the_option(read: Read):
    lines = (
        '{"order_ref": "A1", "sku": 471, "quantity": 1.5, "unit_price": "2,25", "customer_ref": "C1"}\n'
        '{"order_ref": "A2", "sku": "S1", "quantity": 1, "sku": "S2", "customer_ref": "C1"}\n'
        '{"order_ref": "", "sku": null, "note": "blank"}\n'
    )

    first, second = read(lines.encode(), replace(COMMA, format="jsonl"))

    assert [(r.sku, r.quantity, r.unit_price) for r in first.rows] == [
        ("471", Decimal("1.5"), Decimal("2.25"))
    ]
    assert [(p.row, p.code) for p in second.problems] == [(2, "json_invalid")]
    assert "twice" in second.problems[0].message


SHOPIFY = {
    "order_ref": "Name", "sku": "Lineitem sku", "description": "Lineitem name", "quantity": "Lineitem quantity",
    "unit_price": "Lineitem price", "customer_email": "Email", "customer_name": "Billing Name",
    "customer_phone": "Billing Phone", "billing_line1": "Billing Address1", "billing_line2": "Billing Address2",
    "billing_city": "Billing City", "billing_postal_code": "Billing Zip", "billing_region": "Billing Province",
    "country": "Billing Country", "ship_to_line1": "Shipping Address1", "ship_to_city": "Shipping City",
    "ship_to_postal_code": "Shipping Zip", "ship_to_country": "Shipping Country", "currency": "Currency",
    "ordered_at": "Created at",
}  # fmt: skip


def test_an_order_export_of_a_shop_system_is_read(read: Read):
    """What an order has once stands in its first row, as Shopify writes it."""
    columns = ["Name", "Email", "Financial Status", "Currency", "Subtotal", "Lineitem quantity", "Lineitem name",
               "Lineitem price", "Lineitem sku", "Billing Name", "Billing Address1", "Billing Address2", "Billing City",
               "Billing Zip", "Billing Province", "Billing Country", "Billing Phone", "Shipping Address1",
               "Shipping City", "Shipping Zip", "Shipping Country", "Notes", "Created at"]  # fmt: skip
    first = {"Name": "#1001", "Email": "Zoe@Example.com", "Currency": "EUR", "Lineitem quantity": "2",
             "Lineitem name": 'Mug, "blue"', "Lineitem price": "9.90", "Lineitem sku": "MUG-B",
             "Billing Name": "Zoë Roux",
             "Billing Address1": "2 rue Basse", "Billing City": "Lyon", "Billing Zip": "69001", "Billing Country": "FR",
             "Billing Phone": "'+33 4 00", "Shipping Address1": "9 quai Haut", "Shipping City": "Lyon",
             "Shipping Zip": "69002", "Shipping Country": "FR", "Notes": "ring\ntwice",
             "Created at": "2026-03-01T10:15:00+0100"}  # fmt: skip
    second = {"Name": "#1001", "Email": "zoe@example.com", "Lineitem quantity": "1", "Lineitem name": "Lid",
              "Lineitem price": "0.00", "Lineitem sku": "LID"}  # fmt: skip
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows([first, second])

    order = only(read(text.getvalue().encode(), replace(CSV, mapping=DEFAULT_MAPPING | SHOPIFY)))

    assert (order.order_ref, order.customer_ref, order.head["currency"]) == (
        "#1001",
        "zoe@example.com",
        "EUR",
    )
    assert [(r.sku, r.quantity, r.unit_price) for r in order.rows] == [
        ("MUG-B", 2, Decimal("9.90")),
        ("LID", 1, 0),
    ]
    assert order.rows[0].description == 'Mug, "blue"'
    assert order.head["ship_to_line1"] == "9 quai Haut"
    assert str(order.ordered_at) == "2026-03-01 09:15:00+00:00"


def test_an_order_report_of_a_marketplace_is_read(read: Read):
    """Tabs, a row for each item, everything of the order in each of them, as Amazon writes it."""
    mapping = DEFAULT_MAPPING | {
        "order_ref": "order-id", "sku": "sku", "description": "product-name", "quantity": "quantity-purchased",
        "unit_price": "item-price", "customer_email": "buyer-email", "customer_name": "buyer-name",
        "customer_phone": "buyer-phone-number", "ship_to_line1": "ship-address-1", "ship_to_city": "ship-city",
        "ship_to_region": "ship-state", "ship_to_postal_code": "ship-postal-code", "ship_to_country": "ship-country",
        "currency": "currency", "ordered_at": "purchase-date",
    }  # fmt: skip
    columns = ["order-id", "order-item-id", "purchase-date", "payments-date", "buyer-email", "buyer-name",
               "buyer-phone-number", "sku", "product-name", "quantity-purchased", "currency", "item-price", "item-tax",
               "ship-address-1", "ship-city", "ship-state", "ship-postal-code", "ship-country"]  # fmt: skip
    order = ["203-1", "1", "2026-03-01T08:00:00+00:00", "", "x1@m.example", "Ann Bee", "020 1", "S1", "Lamp", "1",
             "GBP", "12.50", "2.08", "1 Mill Lane", "York", "N Yorks", "YO1 1AA", "GB"]  # fmt: skip
    content = "\n".join("\t".join(line) for line in (columns, order, [*order[:7], "S2", *order[8:]]))

    found = only(read(content.encode(), replace(CSV, mapping=mapping, delimiter="tab")))

    assert [r.sku for r in found.rows] == ["S1", "S2"]
    assert found.customer_ref == "x1@m.example"
    assert found.head["ship_to_region"] == "N Yorks"
