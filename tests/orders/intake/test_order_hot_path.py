"""The hot paths take few round trips, and no more of them for more lines or longer pages."""

import httpx

from shared.context.ctx import TenantFacts
from tests.kit.statements import only, statements
from tests.kit.suite import Suite
from tests.orders.given import fulfilments_of, given_confirmed, given_customer, given_order, given_product


async def test_an_order_is_taken_and_confirmed_in_four_statements(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    skus = [(await given_product(orders, stock=9))["sku"] for _ in range(3)]
    customer = await given_customer(orders)

    async with statements(suite, "orders", tenant) as seen:
        await given_confirmed(orders, dict.fromkeys(skus, 1), customer_id=customer["id"])

    marks = ("from products", "stock_items", "insert into orders", "insert into outbox")
    assert only(seen, *marks) == [marks[0], marks[1], marks[1], marks[2], marks[3]], seen


async def test_more_lines_take_no_more_statements(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    product, customer = await given_product(orders, stock=2000), await given_customer(orders)
    lines = [{"sku": product["sku"], "quantity": 1}] * 1000

    async with statements(suite, "orders", tenant) as seen:
        order = await given_confirmed(orders, lines, customer_id=customer["id"])

    assert len(seen) == 5, seen
    assert len(order["lines"]) == 1000


async def test_shipping_takes_four_statements(suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient):
    skus = [(await given_product(orders, stock=9))["sku"] for _ in range(3)]
    order = await given_confirmed(orders, dict.fromkeys(skus, 2))
    (fulfilment,) = await fulfilments_of(orders, order)
    part = {"order_line_id": order["lines"][0]["id"], "quantity": 1}

    async with statements(suite, "orders", tenant) as seen:
        answer = await orders.post(f"/v1/fulfilments/{fulfilment['id']}/ship", json={"lines": [part]})

    assert answer.status_code == 200, answer.text
    marks = ("for no key update", "from order_lines", "stock_items", "update orders", "insert into outbox")
    assert only(seen, *marks) == list(marks), seen


async def test_a_page_takes_three_statements_whatever_its_length(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    product, customer = await given_product(orders, stock=99), await given_customer(orders)
    for confirm in (True, True, True, False, False):
        await given_order(orders, {product["sku"]: 1}, customer_id=customer["id"], confirm=confirm)

    async with statements(suite, "orders", tenant) as seen:
        page = (await orders.get("/v1/orders?limit=4")).json()

    assert len(page["items"]) == 4
    assert [len(order["fulfilments"]) for order in page["items"]] == [0, 0, 1, 1]
    assert only(seen, "from orders", "from order_lines", "from order_holds") == [
        "from orders",
        "from order_lines",
        "from order_holds",
    ]
