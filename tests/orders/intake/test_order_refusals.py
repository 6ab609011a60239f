"""What the intake of orders refuses, how it says so, and that nothing is left of it."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite
from tests.orders.given import given_confirmed, given_customer, given_order, given_product

PRICE = {"amount": "1.00", "currency": "GBP"}
LINE = {"sku": "KNOWN", "quantity": 1}


def line(**facts: Any) -> dict[str, Any]:
    return {"lines": [LINE | facts]}


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"lines": []}, "/lines", "too_short"),
        ({"lines": [LINE] * 1001}, "/lines", "too_long"),
        ({"lines": None}, "/lines", "list_type"),
        (line(sku="UNKNOWN"), "/lines/0/sku", "unknown_sku"),
        ({"lines": [LINE, LINE | {"sku": "known"}]}, "/lines/1/sku", "unknown_sku"),
        (line(sku=""), "/lines/0/sku", "string_too_short"),
        (line(tax_code="none"), "/lines/0/tax_code", "unknown_tax_code"),
        (line(quantity=0), "/lines/0/quantity", "quantity_out_of_range"),
        (line(quantity=-1), "/lines/0/quantity", "quantity_out_of_range"),
        (line(quantity=1.5), "/lines/0/quantity", "quantity_format"),
        (line(quantity="1.1234567"), "/lines/0/quantity", "quantity_format"),
        (line(quantity="1e3"), "/lines/0/quantity", "quantity_format"),
        (line(quantity=True), "/lines/0/quantity", "quantity_format"),
        (line(quantity=10**13), "/lines/0/quantity", "quantity_out_of_range"),
        (line(unit_price={"amount": "-1.00", "currency": "GBP"}), "/lines/0/unit_price", "negative_price"),
        (line(unit_price={"amount": "1.0", "currency": "GBP"}), "/lines/0/unit_price/amount", "money_format"),
        (line(unit_price={"amount": 1, "currency": "GBP"}), "/lines/0/unit_price/amount", "string_type"),
        (line(unit_price={"amount": "1.00", "currency": "EUR"}), "/lines/0/unit_price", "currency_mismatch"),
        (line(discount_percent="101"), "/lines/0/discount_percent", "percent_out_of_range"),
        (line(discount_percent=10), "/lines/0/discount_percent", "percent_format"),
        (line(colour="red"), "/lines/0/colour", "extra_forbidden"),
        ({"currency": "EUR"}, "/lines/0/unit_price", "currency_mismatch"),
        ({"currency": "XXX"}, "/currency", "unknown_currency"),
        ({"channel": "fax"}, "/channel", "literal_error"),
        ({"backorder": "maybe"}, "/backorder", "literal_error"),
        ({"prices": "both"}, "/prices", "literal_error"),
        ({"payment_terms_days": 366}, "/payment_terms_days", "less_than_equal"),
        ({"payment_terms_days": "30"}, "/payment_terms_days", "int_type"),
        ({"confirm": "yes"}, "/confirm", "bool_type"),
        ({"ordered_at": "2026-01-01"}, "/ordered_at", "timestamp_format"),
        ({"ship_to": {"line1": "x", "city": "y", "country": "XX"}}, "/ship_to/country", "unknown_country"),
        ({"customer_id": "nobody"}, "/customer_id", "uuid_parsing"),
        ({"customer_id": str(uuid4())}, "/customer_id", "unknown_customer"),
        ({"state": "confirmed"}, "/state", "extra_forbidden"),
        (
            line(quantity="999999999999", unit_price={"amount": "90000000000000.00", "currency": "GBP"}),
            "/lines",
            "money_out_of_range",
        ),
    ],
)
@pytest.mark.parametrize("confirm", [False, True])
async def test_bad_input_names_the_field_and_leaves_nothing(
    orders: httpx.AsyncClient, change: dict[str, Any], pointer: str, code: str, confirm: bool
):
    customer = await given_customer(orders)
    await given_product(orders, "KNOWN", tracked=False)
    body = {"customer_id": customer["id"], "lines": [LINE], "confirm": confirm} | change

    answer = await orders.post("/v1/orders", json=body)

    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert (pointer, code) in [(e["pointer"], e["code"]) for e in answer.json()["errors"]]
    assert (await orders.get("/v1/orders")).json()["items"] == []
    fine = await orders.post(
        "/v1/orders", json={"customer_id": customer["id"], "lines": [LINE], "confirm": True}
    )
    assert fine.status_code == 201, fine.text


async def test_all_bad_lines_are_named_at_once(orders: httpx.AsyncClient):
    product = await given_product(orders, "KNOWN")
    customer = await given_customer(orders)
    euro = {"amount": "1.00", "currency": "EUR"}
    lines = [
        {"sku": "A", "quantity": 1},
        {"sku": product["sku"], "quantity": 1},
        {"sku": product["sku"], "quantity": 1, "tax_code": "B", "unit_price": euro},
    ]

    answer = await orders.post("/v1/orders", json={"customer_id": customer["id"], "lines": lines})

    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [
        ("/lines/0/sku", "unknown_sku"),
        ("/lines/2/tax_code", "unknown_tax_code"),
        ("/lines/2/unit_price", "currency_mismatch"),
    ]


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b'{"customer_id": NaN}', b"\xff", b"null"])
async def test_what_is_not_an_order_at_all_is_refused(orders: httpx.AsyncClient, body: bytes):
    answer = await orders.post("/v1/orders", content=body, headers={"content-type": "application/json"})

    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_another_media_type_is_refused(orders: httpx.AsyncClient):
    answer = await orders.post("/v1/orders", content=b"a=1", headers={"content-type": "text/plain"})

    assert answer.status_code == 415


async def test_an_external_ref_is_taken_once(
    suite: Suite, tenant: TenantFacts, stranger: TenantFacts, orders: httpx.AsyncClient
):
    product = await given_product(orders, stock=5)
    first = await given_confirmed(orders, {product["sku"]: 1}, external_ref="W-1")
    body = {"customer_id": first["customer_id"], "lines": [{"sku": product["sku"], "quantity": 1}]}

    again = await orders.post("/v1/orders", json=body | {"external_ref": "W-1", "confirm": True})

    assert (again.status_code, again.json()["code"]) == (409, "already_exists")
    assert again.json()["existing"] == {"id": first["id"], "number": first["number"]}
    assert first["number"] in again.json()["detail"]
    assert len((await orders.get("/v1/orders")).json()["items"]) == 1
    assert (await given_order(suite.client("orders", stranger), external_ref="W-1"))["external_ref"] == "W-1"


async def test_orders_of_another_tenant_do_not_exist(
    suite: Suite, stranger: TenantFacts, orders: httpx.AsyncClient
):
    order = await given_confirmed(orders)
    theirs, path = suite.client("orders", stranger), f"/v1/orders/{order['id']}"

    assert (await theirs.get(path)).status_code == 404
    assert (await theirs.get(f"{path}/timeline")).status_code == 404
    assert (await theirs.patch(path, json={}, headers={"if-match": "1"})).status_code == 404
    for verb, body in (("confirm", None), ("cancel", None), ("holds", {"reason": "x"})):
        assert (await theirs.post(f"{path}/{verb}", json=body)).status_code == 404
    customer_of_ours = await theirs.post(
        "/v1/orders",
        json={
            "customer_id": order["customer_id"],
            "lines": [{"sku": (await given_product(theirs))["sku"], "quantity": 1}],
        },
    )
    assert customer_of_ours.json()["code"] == "unknown_customer"


async def test_writing_needs_the_scope_to_write(suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient):
    order = await given_confirmed(orders)
    reader = suite.client("orders", tenant, scopes={"orders:read"})

    assert (await reader.get(f"/v1/orders/{order['id']}")).status_code == 200
    assert (await reader.post(f"/v1/orders/{order['id']}/cancel")).status_code == 403
    assert (await suite.anonymous("orders").post("/v1/orders", json={})).status_code == 401


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"lines": []}, "too_short"),
        ({"lines": [{"sku": "X", "quantity": 1}]}, "unknown_sku"),
        ({"customer_id": str(uuid4())}, "unknown_customer"),
        ({"customer_id": None}, "uuid_type"),
        ({"external_ref": "W"}, "extra_forbidden"),
    ],
)
async def test_a_bad_change_leaves_the_draft_as_it_was(
    orders: httpx.AsyncClient, change: dict[str, Any], code: str
):
    order = await given_order(orders)
    path = f"/v1/orders/{order['id']}"

    answer = await orders.patch(path, json=change, headers={"if-match": "1"})

    assert answer.status_code == 422, answer.text
    assert code in [e["code"] for e in answer.json()["errors"]]
    assert (await orders.get(path)).json() == order
