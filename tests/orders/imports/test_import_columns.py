"""Every column arrives where it belongs or is refused by name: files read back through the API, field by field."""

import csv
import io
import json
from decimal import Decimal
from typing import Any
from unicodedata import normalize

import httpx
import pytest

from services.orders.imports.rules.model import FIELDS, Code
from tests.orders.given import given_customer, given_product
from tests.orders.imports.given_books import book_of
from tests.orders.imports.given_imports import HEADER, OPTIONS, codes, finished, given_import, imported, row

WHOLE = {
    "order_ref": "W-1", "sku": "CAFÉ-1", "description": "Café, ganze Bohne", "quantity": "1.5", "unit_price": "12.40",
    "discount_percent": "2.5", "customer_ref": "K-1", "customer_name": "Zoë & Söhne",
    "customer_email": "Zoe@Example.com",
    "customer_phone": "+43 1 234", "country": "Österreich", "billing_line1": "Ring 1", "billing_line2": "Top 4",
    "billing_city": "Wien", "billing_region": "W", "billing_postal_code": "1010", "ship_to_line1": "Gasse 2",
    "ship_to_line2": "Hof", "ship_to_city": "Graz", "ship_to_region": "St", "ship_to_postal_code": "8010",
    "ship_to_country": "AT", "currency": "EUR", "shipping_charge": "4.90", "ordered_at": "2026-03-01T10:00:00Z",
}  # fmt: skip
NUMBERS = ("quantity", "unit_price", "discount_percent", "shipping_charge")
BILLING = {
    "line1": "Ring 1",
    "line2": "Top 4",
    "city": "Wien",
    "region": "W",
    "postal_code": "1010",
    "country": "AT",
}
SHIP_TO = {
    "line1": "Gasse 2",
    "line2": "Hof",
    "city": "Graz",
    "region": "St",
    "postal_code": "8010",
    "country": "AT",
}


def as_csv(*rows: dict[str, str], sign: str = ",") -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(WHOLE), delimiter=sign)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_book(*rows: dict[str, str]) -> bytes:
    cells = [[float(r[name]) if name in NUMBERS else r[name] for name in WHOLE] for r in rows]
    return book_of(*cells, header=list(WHOLE))


FORMS: dict[str, tuple[bytes, dict[str, Any]]] = {
    "csv": (as_csv(WHOLE), {}),
    "csv with commas for decimals": (
        as_csv({k: v.replace(".", ",") if k in NUMBERS else v
                for k, v in WHOLE.items()}, sign=";"),
        {"decimal": ","},
    ),
    "csv decomposed": (normalize("NFD", as_csv(WHOLE).decode()).encode(), {}),
    "jsonl": (json.dumps(WHOLE).encode(), {"format": "jsonl"}),
    "xlsx": (as_book(WHOLE), {"format": "xlsx"}),
}  # fmt: skip


def test_the_row_with_everything_has_every_column():
    assert set(WHOLE) == set(FIELDS)


@pytest.mark.parametrize("form", FORMS)
async def test_every_column_is_read_back_field_by_field(orders: httpx.AsyncClient, form: str):
    content, options = FORMS[form]

    job = await imported(orders, content, **options)

    assert (job["orders_created"], await codes(orders, job)) == (1, {})
    (order,) = (await orders.get("/v1/orders?external_ref=W-1")).json()["items"]
    customer = (await orders.get(f"/v1/customers/{order['customer_id']}")).json()
    (product,) = (await orders.get("/v1/products", params={"sku": normalize("NFD", "CAFÉ-1")})).json()[
        "items"
    ]
    (line,) = order["lines"]
    assert {name: customer[name] for name in ("external_ref", "name", "email", "phone", "country")} == {
        "external_ref": "K-1", "name": "Zoë & Söhne", "email": "Zoe@Example.com", "phone": "+43 1 234", "country": "AT",
    }  # fmt: skip
    assert customer["billing_address"] == BILLING
    assert order["ship_to"] == SHIP_TO
    assert (order["currency"], order["ordered_at"], order["channel"]) == (
        "EUR",
        "2026-03-01T10:00:00Z",
        "import",
    )
    assert (line["sku"], line["description"], line["quantity"]) == ("CAFÉ-1", "Café, ganze Bohne", "1.5")
    assert (line["unit_price"]["amount"], line["discount_percent"]) == ("12.40", "2.5")
    assert Decimal(line["net"]["amount"]) == Decimal("18.14")  # 18.60 less 2.5 %
    (charge,) = order["charges"]
    assert (charge["kind"], charge["amount"]["amount"], charge["status"]) == ("shipping", "4.90", "open")
    assert (product["name"], product["unit_price"]["currency"]) == ("Café, ganze Bohne", "EUR")


async def test_a_customer_that_is_there_stays_as_it_is_and_the_row_says_so(orders: httpx.AsyncClient):
    await given_customer(orders, external_ref="K-1", name="As it was", email="zoe@EXAMPLE.com")

    job = await imported(orders, as_csv(WHOLE, WHOLE | {"sku": "S2"}))

    rows = (await orders.get(f"/v1/order-imports/{job['id']}/rows")).json()["items"]
    assert [(r["status"], r["code"]) for r in rows] == [("imported", "customer_kept"), ("imported", None)]
    assert rows[0]["message"].endswith(
        "not taken from the file: customer_name, customer_phone, country, billing_address."
    )
    (customer,) = (await orders.get("/v1/customers?external_ref=K-1")).json()["items"]
    assert (customer["name"], customer["billing_address"]["city"]) == ("As it was", "Leeds")


async def test_what_one_order_of_a_file_says_of_a_customer_the_next_may_say_again(orders: httpx.AsyncClient):
    job = await imported(orders, as_csv(WHOLE, WHOLE | {"order_ref": "W-2"}))

    rows = (await orders.get(f"/v1/order-imports/{job['id']}/rows")).json()["items"]
    assert [(r["status"], r["code"]) for r in rows] == [("imported", None)] * 2


async def test_orders_of_several_currencies_are_of_these(orders: httpx.AsyncClient):
    prices = {"JPY": "1240", "KWD": "1.234", "GBP": "12.40125", "": "9.99"}
    rows = [WHOLE | {"order_ref": f"M{n}", "sku": f"S{n}", "currency": currency, "unit_price": price,
                     "shipping_charge": "5"}
            for n, (currency, price) in enumerate(prices.items())]  # fmt: skip

    job = await imported(orders, as_csv(*rows), currency="USD")

    assert (job["orders_created"], await codes(orders, job)) == (4, {})
    found = {
        o["currency"]: o["lines"][0]["unit_price"]["amount"]
        for o in (await orders.get("/v1/orders")).json()["items"]
    }
    assert found == {"JPY": "1240", "KWD": "1.234", "GBP": "12.40125", "USD": "9.99"}


async def test_the_line_says_what_the_file_says_of_a_product_that_has_a_name(orders: httpx.AsyncClient):
    await given_product(orders, sku="S1", stock=10)

    await imported(orders, HEADER + row("A1") + "A2,S1,,1,1.00,C1,,\n")

    found = {
        o["external_ref"]: o["lines"][0]["description"]
        for o in (await orders.get("/v1/orders")).json()["items"]
    }
    assert found["A1"] == "Thing S1"
    assert found["A2"] == (await orders.get("/v1/products?sku=S1")).json()["items"][0]["name"]


async def test_a_customer_is_found_by_e_mail_whatever_its_case(orders: httpx.AsyncClient):
    known = await given_customer(orders, name="Ann", email="Ann.Lee@Example.com")
    for name in ("One", "Two"):
        await given_customer(orders, name=name, email="twice@example.com")
    content = (
        "order_ref,sku,quantity,customer_email\n"
        "A1,S1,1,ann.lee@example.COM\nA2,S1,1,New@Example.com\nA3,S1,1,new@example.com\nA4,S1,1,TWICE@example.com\n"
    )

    job = await imported(orders, content)

    assert (job["orders_created"], await codes(orders, job)) == (3, {4: "customer_ambiguous"})
    taken = {o["external_ref"]: o["customer_id"] for o in (await orders.get("/v1/orders")).json()["items"]}
    assert taken["A1"] == known["id"]
    assert taken["A2"] == taken["A3"] != known["id"]
    new = (await orders.get("/v1/customers?email=NEW@example.com")).json()["items"]
    assert [(c["external_ref"], c["email"]) for c in new] == [("new@example.com", "New@Example.com")]


# A row for each code that one may be refused with: what it changes of a good row.
GOOD = WHOLE | {"description": "x"}
REFUSED: dict[Code, dict[str, str]] = {
    Code.ORDER_REF: {"order_ref": ""},
    Code.MANGLED: {"order_ref": "1.23457E+11"},
    Code.SKU: {"sku": ""},
    Code.CUSTOMER: {"customer_ref": ""},
    Code.NEGATIVE: {"quantity": "-1"},
    Code.QUANTITY: {"quantity": "two"},
    Code.PRICE: {"unit_price": "12.4000001"},
    Code.DISCOUNT: {"discount_percent": "101"},
    Code.CHARGE: {"shipping_charge": "4.905"},
    Code.AMBIGUOUS: {"unit_price": "1,234"},
    Code.DATE: {"ordered_at": "yesterday"},
    Code.TEXT: {"ship_to_line1": "x" * 201},
    Code.CELL: {"description": "x" * 2001},
    Code.FORMULA: {"description": "=1+1"},
    Code.EMAIL: {"customer_email": "zoe at example"},
    Code.COUNTRY: {"country": "Atlantis"},
    Code.CURRENCY: {"currency": "XXX"},
    Code.ADDRESS: {"ship_to_city": ""},
}
ELSEWHERE = {
    Code.ENCODING, Code.SHAPE, Code.JSON, Code.QUOTE,
    Code.CUSTOMER_CONFLICT, Code.DATE_CONFLICT, Code.CURRENCY_CONFLICT,
    Code.SHIP_TO_CONFLICT, Code.CHARGE_CONFLICT,
    Code.UNKNOWN_SKU, Code.UNKNOWN_CUSTOMER, Code.SEVERAL_CUSTOMERS, Code.TOO_MANY, Code.ORDER,
    Code.DUPLICATE, Code.KEPT,
}  # fmt: skip


async def test_each_row_is_refused_with_its_code_and_a_cure(orders: httpx.AsyncClient):
    rows = [GOOD | {"order_ref": f"R{n}"} | change for n, change in enumerate(REFUSED.values())]

    job = await imported(orders, as_csv(*rows, GOOD))

    found = (await orders.get(f"/v1/order-imports/{job['id']}/rows?status=failed&limit=200")).json()["items"]
    assert [r["code"] for r in found] == [str(code) for code in REFUSED]
    assert job["orders_created"] == 1
    assert all(r["message"].endswith(".") and len(r["message"]) > 30 for r in found), [
        r["message"] for r in found
    ]
    assert set(REFUSED) | ELSEWHERE == set(Code)


async def test_a_field_that_is_none_of_ours_is_refused_by_name_when_the_file_is_sent(
    orders: httpx.AsyncClient,
):
    answer = await orders.post(
        "/v1/order-imports",
        files={"file": ("a.csv", b"x", "text/csv")},
        data={"options": json.dumps(OPTIONS | {"mapping": {"colour": "Colour"}})},
    )

    assert answer.status_code == 422
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/options/mapping/colour"]


@pytest.mark.parametrize(
    ("options", "pointer", "code"),
    [
        ({"delimiter": "|"}, "/options/delimiter", "literal_error"),
        ({"decimal": "auto"}, "/options/decimal", "literal_error"),
        ({"format": "xlsx", "delimiter": ";"}, "/options/delimiter", "delimiter_unusable"),
        ({"format": "xlsx", "encoding": "utf-16"}, "/options/encoding", "encoding_unusable"),
        ({"format": "csv", "sheet": "A"}, "/options/sheet", "sheet_unusable"),
    ],
)
async def test_options_that_mean_nothing_are_refused_by_name(
    orders: httpx.AsyncClient, options: dict[str, Any], pointer: str, code: str
):
    answer = await orders.post(
        "/v1/order-imports", files={"file": ("a", b"x")}, data={"options": json.dumps(options)}
    )

    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, code)]


async def test_a_key_survives_the_boundary_of_another_try(orders: httpx.AsyncClient):
    content, key = HEADER + row(), {"idempotency-key": "once"}

    first = await given_import(orders, content, headers=key)
    second = await given_import(orders, content, headers=key)

    assert second["id"] == first["id"]
    await finished(orders, first)
