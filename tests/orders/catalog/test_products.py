"""Products through the API."""

import httpx
import pytest

from services.orders.catalog import actions, queries
from services.orders.catalog.schemas import ProductIn
from shared.context.ctx import TenantFacts
from shared.values.prices import UnitPrice
from tests.kit.suite import Suite
from tests.orders.given import given_ctx, given_product, given_stock, stock_of

BODY = {"sku": "TEA-1", "name": "Tea", "unit_price": {"amount": "4.50", "currency": "GBP"}}


async def test_a_product_is_created_and_read_back(orders: httpx.AsyncClient):
    created = await orders.post("/v1/products", json=BODY)

    assert created.status_code == 201, created.text
    read = await orders.get(created.headers["location"])
    assert read.json() == created.json()
    assert read.json().items() >= (BODY | {"tax_code": "standard", "tracked": True, "version": 1}).items()
    assert (await orders.get("/v1/products?sku=TEA-1")).json()["items"] == [created.json()]
    assert (await orders.get("/v1/products?sku=tea-1")).json()["items"] == []


async def test_a_sku_is_unique_per_tenant(suite: Suite, stranger: TenantFacts, orders: httpx.AsyncClient):
    await given_product(orders, "TEA-1")

    again = await orders.post("/v1/products", json=BODY)

    assert (again.status_code, again.json()["code"]) == (409, "already_exists")
    assert len((await orders.get("/v1/products")).json()["items"]) == 1
    assert (await suite.client("orders", stranger).post("/v1/products", json=BODY)).status_code == 201


async def test_a_tax_code_must_be_known(orders: httpx.AsyncClient):
    answer = await orders.post("/v1/products", json=BODY | {"tax_code": "luxury"})

    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_tax_code")
    assert answer.json()["errors"][0]["pointer"] == "/tax_code"
    assert (await orders.get("/v1/products")).json()["items"] == []
    product = await given_product(orders, "TEA-1", tax_code="reduced")
    changed = await orders.patch(
        f"/v1/products/{product['id']}", json={"tax_code": "luxury"}, headers={"if-match": "1"}
    )
    assert (changed.status_code, changed.json()["code"]) == (422, "unknown_tax_code")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"sku": ""}, "/sku"),
        ({"unit_price": {"amount": "4.5", "currency": "GBP"}}, "/unit_price/amount"),
        ({"unit_price": {"amount": "-4.50", "currency": "GBP"}}, "/unit_price"),
        ({"unit_price": 4.5}, "/unit_price"),
        ({"tracked": "yes"}, "/tracked"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_bad_input_names_the_field(orders: httpx.AsyncClient, change: dict, pointer: str):
    answer = await orders.post("/v1/products", json=BODY | change)

    assert answer.status_code == 422, answer.text
    assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]
    assert (await orders.get("/v1/products")).json()["items"] == []


async def test_a_change_needs_the_version_and_leaves_the_rest(orders: httpx.AsyncClient):
    product = await given_product(orders, "TEA-1", tax_code="zero")
    path = f"/v1/products/{product['id']}"
    price = {"amount": "980", "currency": "JPY"}

    assert (await orders.patch(path, json={"name": "Green tea"})).status_code == 428
    changed = await orders.patch(path, json={"unit_price": price}, headers={"if-match": "1"})

    assert changed.status_code == 200, changed.text
    expected = product | {"unit_price": price, "version": 2, "updated_at": changed.json()["updated_at"]}
    assert changed.json() == expected
    assert (await orders.patch(path, json={"name": "X"}, headers={"if-match": "1"})).status_code == 412
    null = await orders.patch(path, json={"name": None}, headers={"if-match": "2"})
    assert (null.status_code, null.json()["errors"][0]["pointer"]) == (422, "/name")
    assert (await orders.get(path)).json() == expected


async def test_tracking_ends_only_when_there_is_no_stock(orders: httpx.AsyncClient):
    product = await given_product(orders, "TEA-1", stock=2)
    path = f"/v1/products/{product['id']}"

    refused = await orders.patch(path, json={"tracked": False}, headers={"if-match": "1"})
    assert (refused.status_code, refused.json()["code"]) == (409, "stock_in_use")
    await given_stock(orders, "TEA-1", -2)
    ended = await orders.patch(path, json={"tracked": False}, headers={"if-match": "1"})
    assert (ended.status_code, ended.json()["tracked"]) == (200, False)
    assert (await orders.get("/v1/stock?sku=TEA-1")).json()["items"] == []
    begun = await orders.patch(path, json={"tracked": True}, headers={"if-match": "2"})
    assert begun.json()["tracked"] is True
    assert (await stock_of(orders, "TEA-1"))["on_hand"] == "0"


async def test_an_untracked_product_begins_to_be_tracked(orders: httpx.AsyncClient):
    product = await given_product(orders, "HOUR", tracked=False)

    await orders.patch(f"/v1/products/{product['id']}", json={"tracked": True}, headers={"if-match": "1"})

    assert (await stock_of(orders, "HOUR"))["available"] == "0"


async def test_products_are_found_with_their_tax_in_one_statement(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    await given_product(orders, "A", price="1.00")
    await given_product(orders, "B", price="2.00", tax_code="reduced", tracked=False)

    async with given_ctx(suite, tenant) as ctx:
        found = await queries.find_priced_products(ctx, ["A", "B", "C"], ctx.today)
        plain = await queries.find_products(ctx, ["A", "B", "C"])

    assert set(found) == {"A", "B"}
    assert plain == {sku: priced.product for sku, priced in found.items()}
    assert (found["A"].product.unit_price, found["A"].product.tracked) == (
        UnitPrice.parse("1.00", "GBP"),
        True,
    )
    assert [str(found[sku].tax.rate) for sku in "AB"] == ["20", "5"]
    assert found["B"].tax.code == "reduced"


async def test_missing_products_are_added_and_known_ones_stay(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    await given_product(orders, "A", price="1.00")
    price = {"amount": "9.00", "currency": "GBP"}
    wanted = [ProductIn(sku=s, name=s, unit_price=price, tracked=s != "C") for s in ("A", "B", "C")]

    async with given_ctx(suite, tenant) as ctx:
        added = await actions.create_missing_products(ctx, wanted)

    assert added == 2
    prices = {p["sku"]: p["unit_price"]["amount"] for p in (await orders.get("/v1/products")).json()["items"]}
    assert prices == {"A": "1.00", "B": "9.00", "C": "9.00"}
    assert {s["sku"] for s in (await orders.get("/v1/stock")).json()["items"]} == {"A", "B"}


async def test_strangers_and_the_unauthorised_see_nothing(
    suite: Suite, tenant: TenantFacts, stranger: TenantFacts, orders: httpx.AsyncClient
):
    product = await given_product(orders, "TEA-1")
    path = f"/v1/products/{product['id']}"

    assert (await suite.anonymous("orders").get(path)).status_code == 401
    assert (await suite.client("orders", tenant, scopes={"billing:read"}).get(path)).status_code == 403
    other = suite.client("orders", stranger)
    assert (await other.get(path)).status_code == 404
    assert (await other.patch(path, json={"name": "X"}, headers={"if-match": "1"})).status_code == 404
    assert (await other.get("/v1/products")).json()["items"] == []
    async with given_ctx(suite, stranger) as ctx:
        assert await queries.find_priced_products(ctx, ["TEA-1"], ctx.today) == {}
