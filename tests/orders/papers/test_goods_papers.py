"""What goes along with goods: pick list and delivery note."""

from io import BytesIO
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pypdf import PdfReader

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite
from tests.orders.given import (
    ADDRESS,
    fulfilments_of,
    given_confirmed,
    given_customer,
    given_product,
)


async def paper(
    orders: httpx.AsyncClient, fulfilment: dict[str, Any], kind: str
) -> tuple[httpx.Response, str]:
    answer = await orders.get(f"/v1/fulfilments/{fulfilment['id']}/{kind}")
    assert answer.status_code == 200, answer.text
    pages = PdfReader(BytesIO(answer.content)).pages
    return answer, " ".join(" ".join(page.extract_text() for page in pages).split())


async def given_goods(orders: httpx.AsyncClient, **facts: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A confirmed order of five of one thing and two of another, and its fulfilment."""
    await given_product(orders, "Z-LAST", stock=100, name="Lamp, brass")
    await given_product(orders, "A-FIRST", stock=100, name="Desk, oak")
    order = await given_confirmed(orders, {"Z-LAST": 5, "A-FIRST": 2}, **facts)
    (fulfilment,) = await fulfilments_of(orders, order)
    return order, fulfilment


async def test_a_pick_list_has_what_to_collect_by_sku_and_no_prices(orders: httpx.AsyncClient):
    order, fulfilment = await given_goods(orders, external_ref="WEB-77")

    answer, text = await paper(orders, fulfilment, "pick-list")

    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == f'inline; filename="pick-list-{order["number"]}-1.pdf"'
    assert "PICK LIST" in text
    assert f"{order['number']}/1" in text
    assert text.index("☐ A-FIRST Desk, oak 2") < text.index("☐ Z-LAST Lamp, brass 5")
    assert "Your reference WEB-77" in text
    assert "10.00" not in text


async def test_a_delivery_note_says_what_was_shipped_of_what_was_ordered_and_in_which_parcels(
    orders: httpx.AsyncClient,
):
    customer = await given_customer(orders, name="Jane Buyer", shipping_address=ADDRESS | {"line1": "Dock 4"})
    order, fulfilment = await given_goods(orders, customer_id=customer["id"])
    body = {
        "lines": [{"order_line_id": order["lines"][0]["id"], "quantity": 3}],
        "parcels": [{"carrier": "DHL", "tracking_number": "JD014600"}],
    }
    await orders.post(f"/v1/fulfilments/{fulfilment['id']}/ship", json=body)

    _, text = await paper(orders, fulfilment, "delivery-note")
    _, rest = await fulfilments_of(orders, order)
    _, second = await paper(orders, rest, "delivery-note")

    assert "DELIVERY NOTE" in text
    assert "DELIVER TO Jane Buyer Dock 4 LS1 1AA Leeds United Kingdom" in text
    assert "1 Z-LAST Lamp, brass 5 3" in text
    assert "DHL JD014600" in text
    assert "Shipped" in text
    assert f"{order['number']}/2" in second
    assert "1 Z-LAST Lamp, brass 5 2 2 A-FIRST Desk, oak 2 2" in second


async def test_it_goes_where_the_order_goes(orders: httpx.AsyncClient):
    there = ADDRESS | {"line1": "7 Elsewhere", "city": "York", "postal_code": "YO1 7HU"}
    _, fulfilment = await given_goods(orders, ship_to=there)

    _, text = await paper(orders, fulfilment, "delivery-note")

    assert "7 Elsewhere YO1 7HU York" in text


async def test_a_delivery_note_is_in_the_customers_language_and_a_pick_list_in_the_houses(
    suite: Suite,
):
    german = await suite.new_tenant(country="DE", currency="GBP")
    orders = suite.client("orders", german)
    customer = await given_customer(orders, language="fr")
    _, fulfilment = await given_goods(orders, customer_id=customer["id"])

    _, note = await paper(orders, fulfilment, "delivery-note")
    _, list_ = await paper(orders, fulfilment, "pick-list")

    assert "BON DE LIVRAISON" in note
    assert "PICKLISTE" in list_


async def test_letters_without_a_font_are_told_in_the_answer(orders: httpx.AsyncClient):
    _, fulfilment = await given_goods(
        orders, customer_id=(await given_customer(orders, name="Ann \U0001f9ff"))["id"]
    )

    answer, text = await paper(orders, fulfilment, "delivery-note")

    if "[U+1F9FF]" in text:  # no font of this machine has it
        assert answer.headers["backoffice-warning"].endswith("U+1F9FF")
    else:
        assert "backoffice-warning" not in answer.headers


@pytest.mark.parametrize("kind", ["pick-list", "delivery-note"])
async def test_where_no_goods_are_in_hand_there_is_no_paper(orders: httpx.AsyncClient, kind: str):
    _, fulfilment = await given_goods(orders)
    await orders.post(f"/v1/fulfilments/{fulfilment['id']}/cancel")

    refused = await orders.get(f"/v1/fulfilments/{fulfilment['id']}/{kind}")

    assert (refused.status_code, refused.json()["code"]) == (409, "no_goods")


@pytest.mark.parametrize("kind", ["pick-list", "delivery-note"])
async def test_strangers_have_no_part_in_it(
    suite: Suite, orders: httpx.AsyncClient, stranger: TenantFacts, kind: str
):
    _, fulfilment = await given_goods(orders)

    theirs = await suite.client("orders", stranger).get(f"/v1/fulfilments/{fulfilment['id']}/{kind}")
    unknown = await orders.get(f"/v1/fulfilments/{uuid4()}/{kind}")

    assert (theirs.status_code, unknown.status_code) == (404, 404)
