"""What a customer who wants mail is told of an order: when it is confirmed, and when goods leave."""

from typing import Any

import httpx
import pytest

from shared.context.ctx import TenantFacts
from shared.values.ids import new_id
from tests.kit.smtp import MailServer, Taken
from tests.kit.suite import Suite, eventually
from tests.orders.given import fulfilments_of, given_confirmed, given_customer, given_product


@pytest.fixture
async def shop(mailing: Suite) -> TenantFacts:
    return await mailing.new_tenant(name="Harbour Tea")


@pytest.fixture
def desk(mailing: Suite, shop: TenantFacts) -> httpx.AsyncClient:
    return mailing.client("orders", shop)


def somebody() -> str:
    return f"jane.{new_id().hex}@example.org"


async def got(server: MailServer, to: str, subject: str) -> Taken:
    """The mail that somebody got with a subject, once it is there. (Billing sends its invoice, too.)"""

    async def asked() -> Taken | None:
        return next((mail for mail in server.to(to) if mail.message["subject"] == subject), None)

    return await eventually(asked, within=30.0)


def text_of(mail: Taken) -> str:
    body = mail.message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def given_told(desk: httpx.AsyncClient, to: str, quantity: int, **facts: Any) -> dict[str, Any]:
    """A confirmed order of a customer who wants mail."""
    customer = await given_customer(desk, name="Zoë Müller", email=to, delivery="mail", **facts)
    sku = (await given_product(desk, price="1234.50", stock=99))["sku"]
    return await given_confirmed(desk, {sku: quantity}, customer_id=customer["id"])


@pytest.mark.parametrize(
    ("language", "confirmed", "shipped", "amount"),
    [
        (None, "Your order {}", "Your order {} has been shipped", "£2,962.80"),
        ("de", "Ihre Bestellung {}", "Ihre Bestellung {} wurde versandt", "2.962,80 £"),
        ("fr", "Votre commande {}", "Votre commande {} a été expédiée", "2 962,80 £GB"),
    ],
)
async def test_a_customer_is_told_of_the_order_and_of_what_left(
    mail_server: MailServer, mailing: Suite, desk: httpx.AsyncClient,
    language: str | None, confirmed: str, shipped: str, amount: str,
):  # fmt: skip
    to = somebody()
    order = await given_told(desk, to, 2, language=language)
    number, (line,) = order["number"], order["lines"]

    first = await got(mail_server, to, confirmed.format(number))
    assert first.message["from"] == "Harbour Tea via Provider <post@provider.example>"
    told = " ".join(text_of(first).split())
    assert amount in told
    assert f"2 × Product {line['sku']}" in told
    assert "Zoë Müller" in told

    (work,) = await fulfilments_of(desk, order)
    parcels = [{"carrier": "Post", "tracking_number": "TRK-1"}, {"carrier": "Bike"}]
    part = [{"order_line_id": line["id"], "quantity": 1}]
    body = {"parcels": parcels, "lines": part}
    assert (await desk.post(f"/v1/fulfilments/{work['id']}/ship", json=body)).status_code == 200

    told = text_of(await got(mail_server, to, shipped.format(number)))
    assert "1 × " in told
    assert "Post: TRK-1\nBike" in told.replace("\r\n", "\n")
    verbs = [t["verb"] for t in (await desk.get(f"/v1/fulfilments/{work['id']}/timeline")).json()["items"]]
    assert "send" in verbs


async def test_who_does_not_want_mail_gets_none(
    mail_server: MailServer, mailing: Suite, desk: httpx.AsyncClient
):
    to, other = somebody(), somebody()
    customer = await given_customer(desk, email=to)
    sku = (await given_product(desk, stock=9))["sku"]
    await given_confirmed(desk, {sku: 1}, customer_id=customer["id"])

    order = await given_told(desk, other, 1)

    await got(mail_server, other, f"Your order {order['number']}")
    assert [mail["to"] for mail in (await desk.get("/v1/orders-mails")).json()["items"]] == [other]


async def test_an_order_that_was_cancelled_meanwhile_is_not_confirmed_by_mail(
    mail_server: MailServer, mailing: Suite, desk: httpx.AsyncClient
):
    to = somebody()
    mail_server.answers["RCPT", to] += ["450 Later"] * 2
    order = await given_told(desk, to, 1)
    await eventually(lambda: asked_for(mail_server, to), within=30.0)

    assert (await desk.post(f"/v1/orders/{order['id']}/cancel", json={"reason": "x"})).status_code == 200

    async def bounced() -> dict[str, Any] | None:
        (mail,) = (await desk.get("/v1/orders-mails")).json()["items"]
        return mail if mail["state"] == "bounced" else None

    assert (await eventually(bounced, within=30.0))["reason"]["code"] == "order_cancelled"
    assert mail_server.to(to) == []


async def asked_for(server: MailServer, to: str) -> bool:
    return ("RCPT", to) in server.asked


async def test_where_mail_is_not_set_up_what_was_not_sent_is_seen(orders: httpx.AsyncClient):
    order = await given_told(orders, somebody(), 1)

    (mail,) = (await orders.get("/v1/orders-mails", params={"state": "bounced"})).json()["items"]
    refused = await orders.post(f"/v1/orders-mails/{mail['id']}/retry")

    assert (mail["about"]["number"], mail["reason"]["code"]) == (order["number"], "mail_not_set_up")
    assert (refused.status_code, refused.json()["code"]) == (409, "mail_not_set_up")
    timeline = (await orders.get(f"/v1/orders/{order['id']}/timeline")).json()["items"]
    assert [t["why"] for t in timeline if t["verb"] == "send"] == ["mail is not set up"]
