"""Customers through the API."""

from typing import Any
from unicodedata import normalize

import httpx
import orjson
import pytest

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite

ADDRESS = {"line1": "1 High Street", "city": "Leeds", "postal_code": "LS1 1AA", "country": "GB"}


async def test_a_customer_is_created_and_read_back(orders: httpx.AsyncClient):
    created = await orders.post("/v1/customers", json={"name": "Jane", "billing_address": ADDRESS})

    assert created.status_code == 201, created.text
    assert created.headers["location"] == f"/v1/customers/{created.json()['id']}"
    read = await orders.get(created.headers["location"])
    assert read.json() == created.json()
    assert read.headers["etag"] == '"1"'
    assert read.json()["billing_address"]["city"] == "Leeds"


async def test_a_change_needs_the_version_it_is_based_on(orders: httpx.AsyncClient):
    customer = (await orders.post("/v1/customers", json={"name": "Jane"})).json()
    path = f"/v1/customers/{customer['id']}"

    assert (await orders.patch(path, json={"name": "June"})).status_code == 428
    changed = await orders.patch(path, json={"name": "June"}, headers={"if-match": '"1"'})
    assert (changed.status_code, changed.json()["name"], changed.json()["version"]) == (200, "June", 2)
    assert (await orders.patch(path, json={"name": "Jo"}, headers={"if-match": "1"})).status_code == 412


async def test_a_change_is_told_to_other_services(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    customer = (await orders.post("/v1/customers", json={"name": "Jane"})).json()

    facts = await suite.outbox("orders", tenant.id)

    assert [f["type"] for f in facts] == ["orders.customer.changed.v1"]
    assert facts[0]["ordering_key"] == f"customer:{customer['id']}"


async def test_an_external_ref_is_unique_per_tenant(
    suite: Suite, orders: httpx.AsyncClient, stranger: TenantFacts
):
    body = {"name": "Jane", "external_ref": "C-1"}
    first = (await orders.post("/v1/customers", json=body)).json()

    again = await orders.post("/v1/customers", json=body, headers={"idempotency-key": "twice"})

    assert again.status_code == 409
    assert again.json()["code"] == "already_exists"
    assert again.json()["existing"] == {"id": first["id"], "number": None}
    kept = await orders.post("/v1/customers", json=body, headers={"idempotency-key": "twice"})
    assert kept.json()["existing"] == again.json()["existing"]
    assert (await suite.client("orders", stranger).post("/v1/customers", json=body)).status_code == 201


async def test_lists_are_pages_newest_first(orders: httpx.AsyncClient):
    for n in range(5):
        await orders.post("/v1/customers", json={"name": f"C{n}"})

    first = (await orders.get("/v1/customers?limit=2")).json()
    second = (await orders.get("/v1/customers", params={"limit": 2, "cursor": first["next"]})).json()
    third = (await orders.get("/v1/customers", params={"limit": 2, "cursor": second["next"]})).json()

    assert [c["name"] for page in (first, second, third) for c in page["items"]] == [
        "C4",
        "C3",
        "C2",
        "C1",
        "C0",
    ]
    assert third["next"] is None
    assert (await orders.get("/v1/customers?cursor=rubbish")).status_code == 422


async def test_bad_input_names_the_field(orders: httpx.AsyncClient):
    answer = await orders.post("/v1/customers", json={"name": "", "shoe_size": 44})

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert {e["pointer"] for e in answer.json()["errors"]} == {"/name", "/shoe_size"}


async def test_the_same_key_takes_effect_once(orders: httpx.AsyncClient):
    headers = {"idempotency-key": "k-1"}
    first = await orders.post("/v1/customers", json={"name": "Jane"}, headers=headers)

    second = await orders.post("/v1/customers", json={"name": "Jane"}, headers=headers)
    other = await orders.post("/v1/customers", json={"name": "John"}, headers=headers)

    assert second.json() == first.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert len((await orders.get("/v1/customers")).json()["items"]) == 1


async def test_without_token_scope_or_tenancy_there_is_nothing(
    suite: Suite, tenant: TenantFacts, stranger: TenantFacts, orders: httpx.AsyncClient
):
    customer = (await orders.post("/v1/customers", json={"name": "Jane"})).json()
    path = f"/v1/customers/{customer['id']}"

    assert (await suite.anonymous("orders").get(path)).status_code == 401
    assert (await suite.client("orders", tenant, scopes={"billing:read"}).get(path)).status_code == 403
    assert (await suite.client("orders", stranger).get(path)).status_code == 404


async def test_a_change_may_leave_the_name_out_but_not_empty_it(orders: httpx.AsyncClient):
    customer = (await orders.post("/v1/customers", json={"name": "Jane"})).json()
    path = f"/v1/customers/{customer['id']}"

    changed = await orders.patch(path, json={"phone": "123"}, headers={"if-match": "1"})
    emptied = await orders.patch(path, json={"name": None}, headers={"if-match": "2"})

    assert (changed.status_code, changed.json()["name"], changed.json()["phone"]) == (200, "Jane", "123")
    assert emptied.status_code == 422


FACTS = {
    "phone": "+49 30 1234",
    "language": "de",
    "registration_number": "HRB 12345 B",
    "buyer_reference": "04011000-12345-03",
    "electronic_address": "0204:991-33333TEST-33",
    "payment_terms_days": 14,
    "e_invoice": "xrechnung",
    "delivery": "mail",
    "email": "books@example.org",
    "external_ref": "K-7",
    "shipping_address": ADDRESS,
}


async def test_what_documents_need_of_a_customer_is_kept_and_told(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    created = await orders.post("/v1/customers", json={"name": "Amt", **FACTS})
    assert created.status_code == 201, created.text
    read = (await orders.get(created.headers["location"])).json()
    assert {name: read[name] for name in FACTS} == FACTS | {"shipping_address": read["shipping_address"]}
    assert read["shipping_address"]["city"] == "Leeds"

    changed = await orders.patch(
        created.headers["location"],
        json={"language": "fr", "payment_terms_days": None, "external_ref": "K-8"},
        headers={"if-match": "1"},
    )
    assert changed.status_code == 200, changed.text
    first, second = (orjson.loads(f["envelope"])["data"] for f in await suite.outbox("orders", tenant.id))
    assert {name: first[name] for name in FACTS} == FACTS | {"shipping_address": first["shipping_address"]}
    assert (second["language"], second["payment_terms_days"], second["external_ref"]) == ("fr", None, "K-8")


@pytest.mark.parametrize(
    ("facts", "pointer", "code"),
    [
        ({"language": "xx"}, "/language", "unknown_language"),
        ({"language": "DE"}, "/language", "unknown_language"),
        ({"language": "deu"}, "/language", "unknown_language"),
        ({"electronic_address": "0204"}, "/electronic_address", "electronic_address_format"),
        ({"electronic_address": "0204: "}, "/electronic_address", "outer_blank"),
        ({"electronic_address": "E:jo@example.org"}, "/electronic_address", "electronic_address_format"),
        ({"electronic_address": "0001:12"}, "/electronic_address", "unknown_scheme"),
        ({"electronic_address": "９９３０:12"}, "/electronic_address", "electronic_address_format"),
        ({"payment_terms_days": 366}, "/payment_terms_days", "less_than_equal"),
        ({"payment_terms_days": -1}, "/payment_terms_days", "greater_than_equal"),
        ({"e_invoice": "pdf"}, "/e_invoice", "literal_error"),
        ({"delivery": "post"}, "/delivery", "literal_error"),
        ({"delivery": "mail"}, "/email", "email_missing"),
    ],
)
async def test_facts_of_a_customer_that_cannot_be_are_refused(
    orders: httpx.AsyncClient, facts: dict[str, object], pointer: str, code: str
):
    answer = await orders.post("/v1/customers", json={"name": "Jane", **facts})

    assert answer.status_code == 422, answer.text
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, code)]


async def test_a_customer_who_gets_mail_keeps_an_address(orders: httpx.AsyncClient):
    body = {"name": "Jane", "email": "jane@example.org", "delivery": "mail"}
    path = (await orders.post("/v1/customers", json=body)).headers["location"]

    refused = await orders.patch(path, json={"email": None}, headers={"if-match": "1"})
    allowed = await orders.patch(path, json={"email": None, "delivery": "none"}, headers={"if-match": "1"})

    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "email_missing")
    assert allowed.status_code == 200, allowed.text


@pytest.mark.parametrize("asked", ["Zoe.Lee@Example.com", "zoe.lee@example.com", "ZOE.LEE@EXAMPLE.COM"])
async def test_an_e_mail_address_is_found_whatever_its_case_and_kept_as_it_was_given(
    orders: httpx.AsyncClient, asked: str
):
    made = (await orders.post("/v1/customers", json={"name": "Zoe", "email": "Zoe.Lee@Example.com"})).json()
    await orders.post("/v1/customers", json={"name": "Other", "email": "zoe@example.com"})

    found = (await orders.get("/v1/customers", params={"email": asked})).json()["items"]

    assert [(c["id"], c["email"]) for c in found] == [(made["id"], "Zoe.Lee@Example.com")]


async def test_a_reference_is_one_however_it_was_typed(orders: httpx.AsyncClient):
    composed, apart = "CAFÉ-1", normalize("NFD", "CAFÉ-1")
    made = await orders.post("/v1/customers", json={"name": apart, "external_ref": apart})
    again = await orders.post("/v1/customers", json={"name": "Other", "external_ref": composed})

    assert (made.json()["name"], made.json()["external_ref"], again.status_code) == (composed, composed, 409)
    for asked in (composed, apart):
        found = (await orders.get("/v1/customers", params={"external_ref": asked})).json()["items"]
        assert [c["id"] for c in found] == [made.json()["id"]]


async def test_a_customers_country_is_that_of_its_billing_address(orders: httpx.AsyncClient):
    async def made(**facts: Any) -> httpx.Response:
        return await orders.post("/v1/customers", json={"name": "Jane"} | facts)

    assert (await made()).json()["country"] is None
    assert (await made(billing_address=ADDRESS)).json()["country"] == "GB"
    refused = await made(billing_address=ADDRESS, country="FR")
    assert [(e["pointer"], e["code"]) for e in refused.json()["errors"]] == [("/country", "country_conflict")]
    alone = (await made(country="FR")).json()
    path = f"/v1/customers/{alone['id']}"
    moved = await orders.patch(path, json={"billing_address": ADDRESS}, headers={"if-match": "1"})
    assert (alone["country"], moved.json()["country"]) == ("FR", "GB")
    kept = await orders.patch(path, json={"billing_address": None}, headers={"if-match": "2"})
    gone = await orders.patch(path, json={"country": None}, headers={"if-match": "3"})
    assert (kept.json()["country"], gone.json()["country"]) == ("GB", None)
