"""One company tries every id of another on every route: nothing is ever there, and nothing tells that it is."""

import json
import uuid
from typing import Any

import httpx
import pytest

from tests.gateway.world import Caller, World
from tests.stories.conformance import DOCUMENT
from tests.stories.ground import all_ids, furnish
from tests.stories.ground_of_people import PERSON, furnish_people

MONEY = {"amount": "1.00", "currency": "GBP"}
ALLOCATION = {"allocations": [{"invoice_id": str(uuid.uuid4()), "amount": MONEY}]}
REASON = {"reason": "probe"}
ADDRESS = {"line1": "1 High Street", "city": "Leeds", "country": "GB"}
VERBS = ("suspend", "resume", "cancel-termination", "cancel-start")
NAMED = ("given_name", "family_name", "email", "bank_account")
BODIES: dict[str, dict[str, Any]] = {
    "/v1/orders/{order_id}/holds": REASON,
    "/v1/fulfilments/{fulfilment_id}": {"ship_to": ADDRESS},
    "/v1/payments/{payment_id}/deallocate": ALLOCATION,
    "/v1/credit-notes/{credit_note_id}/deallocate": ALLOCATION,
    "/v1/payments/{payment_id}/reverse": REASON,
    "/v1/refunds/{refund_id}/reverse": REASON,
    "/v1/write-offs/{write_off_id}/reverse": REASON,
    "/v1/payments/{payment_id}/allocate": ALLOCATION,
    "/v1/credit-notes/{credit_note_id}/allocate": ALLOCATION,
    "/v1/posting-exceptions/{exception_id}/discard": REASON,
    "/v1/billing-approvals/{approval_id}/reject": REASON,
    "/v1/accounts/{account_id}": {"name": "probe"},
    "/v1/periods/{period_id}/reopen": REASON,
    "/v1/hr-approvals/{approval_id}/reject": REASON,
    "/v1/payroll-approvals/{approval_id}/reject": REASON,
    "/v1/employees/{employee_id}/changes": {
        "effective_on": "2026-06-01",
        "fields": {"department": "x"},
        "reason": "probe",
    },
    "/v1/employees/{employee_id}/changes/{change_id}/reject": REASON,
    "/v1/employees/{employee_id}/employments": {
        name: value for name, value in PERSON.items() if name not in NAMED
    },
    "/v1/employees/{employee_id}/terminate": {"last_day": "2026-12-31", "reason": "probe"},
    **{f"/v1/employees/{{employee_id}}/{verb}": REASON for verb in VERBS},
    "/v1/pay-runs/{run_id}/approve": {"result_hash": "0" * 64},
    "/v1/pay-runs/{run_id}/reject": REASON,
    "/v1/pay-runs/{run_id}/pay": {"paid_on": "2026-11-27"},
}
"""Bodies that are acceptable as such, where an empty one is not."""


def routes() -> list[tuple[str, str]]:
    """Every operation with an id in its path."""
    return [
        (method.upper(), path)
        for path, operations in DOCUMENT["paths"].items()
        for method in operations
        if "{" in path
    ]


def parameter_of(path: str) -> str:
    """The name of the last id in a path: the one that is tried."""
    return path.rsplit("{", 1)[1].split("}")[0]


@pytest.fixture
async def treasure(acme: Caller) -> dict[str, list[str]]:
    """The ids of everything a trading company has."""
    await furnish(acme.http)
    await furnish_people(acme.http)
    ids = await all_ids(acme.http)
    missing = [name for name, found in ids.items() if not found]
    assert missing == []
    return ids


def comparable(answer: httpx.Response, one: str) -> tuple[int, dict[str, Any]]:
    """An answer without what differs from call to call."""
    document = answer.json()
    return answer.status_code, {
        name: value.replace(one, "ID") if isinstance(value, str) else value
        for name, value in document.items()
        if name != "trace_id"
    }


def urls(path: str, ids: dict[str, list[str]], tenant: dict[str, Any]) -> list[tuple[str, str]]:
    """A path with ids of the other company in it, and the id that is tried."""
    path = path.replace("{tenant_id}", tenant["id"])
    if "{" not in path:
        return [(path, tenant["id"])]
    tried_id = parameter_of(path)
    for name in ("order_id", "employee_id"):  # what the one that is tried stands below
        if name != tried_id:
            path = path.replace("{" + name + "}", ids[name][0])
    everything = list(dict.fromkeys(one for found in ids.values() for one in found[:2]))
    tried = ids.get(parameter_of(path), [])[:2] or everything
    return [(path.replace("{" + parameter_of(path) + "}", one), one) for one in tried]


async def test_nothing_of_a_company_is_there_for_another(
    acme: Caller, stranger_company: Caller, treasure: dict[str, list[str]]
):
    before = await shown(acme.http)
    told: list[str] = []
    tried = 0
    for method, path in routes():
        body = BODIES.get(path, {}) if method in ("POST", "PATCH") else None
        headers = {"if-match": "1"} if method == "PATCH" else {}
        for url, one in urls(path, treasure, acme.tenant):
            nothing = str(uuid.uuid4())
            theirs = await stranger_company.http.request(method, url, json=body, headers=headers)
            absent = await stranger_company.http.request(
                method, url.replace(one, nothing), json=body, headers=headers
            )
            tried += 1
            if comparable(theirs, one) != comparable(absent, nothing):
                told.append(f"{method} {url}: {theirs.status_code} {theirs.text} / {absent.status_code}")
            operators_only = path.startswith("/v1/tenants") and theirs.status_code == 403
            if theirs.status_code != 404 and not operators_only:
                told.append(f"{method} {url}: {theirs.status_code} {theirs.text}")
    assert told == []
    assert tried > 100
    assert await shown(acme.http) == before


async def shown(api: httpx.AsyncClient) -> dict[str, Any]:
    """What the company itself sees, to notice any change."""
    paths = (
        "orders",
        "invoices",
        "payments",
        "credit-notes",
        "fulfilments",
        "posting-exceptions",
        "customers",
    )
    found = {path: (await api.get(f"/v1/{path}?limit=200")).json()["items"] for path in paths}
    return {path: [(item["id"], item["version"]) for item in items] for path, items in found.items()}


async def test_an_id_of_another_in_a_body_or_a_filter_is_unknown(
    acme: Caller, stranger_company: Caller, treasure: dict[str, list[str]]
):
    api = stranger_company.http
    line = {"sku": "SKU-0", "quantity": 1}
    references: list[tuple[str, dict[str, Any]]] = [
        ("/v1/orders", {"customer_id": treasure["customer_id"][0], "lines": [line]}),
        ("/v1/invoices", {"customer_id": treasure["customer_id"][0], "lines": [
            {"description": "x", "quantity": 1, "unit_price": MONEY, "tax_code": "standard"}]}),
        ("/v1/credit-notes", {"invoice_id": treasure["invoice_id"][0], "reason": "probe"}),
        ("/v1/payments", {"customer_id": treasure["customer_id"][0], "amount": MONEY}),
        ("/v1/payments", {"customer_id": treasure["customer_id"][0], "amount": MONEY,
                          "allocations": [{"invoice_id": treasure["invoice_id"][0], "amount": MONEY}]}),
    ]  # fmt: skip
    for path, body in references:
        theirs = await api.post(path, json=body)
        text = json.dumps(body)
        for name in ("customer_id", "invoice_id"):
            for one in treasure[name]:
                text = text.replace(one, str(uuid.uuid4()))
        absent = await api.post(path, content=text, headers={"content-type": "application/json"})
        assert theirs.status_code in (404, 409, 422), (path, theirs.text)
        assert theirs.status_code == absent.status_code
        assert theirs.json()["code"] == absent.json()["code"]

    for name, path in (("order_id", "fulfilments"), ("order_id", "invoices"), ("customer_id", "orders"),
                       ("customer_id", "invoices"), ("customer_id", "payments"), ("customer_id", "credits"),
                       ("customer_id", "credit-notes"), ("invoice_id", "credit-notes")):  # fmt: skip
        for one in treasure[name][:2]:
            assert (await api.get(f"/v1/{path}", params={name: one})).json()["items"] == []
    for path in ("orders", "invoices", "journal-entries", "payments", "posting-exceptions", "order-imports"):
        assert (await api.get(f"/v1/{path}")).json()["items"] == []


async def test_the_header_opens_nobody_elses_door(open_world: World, acme: Caller, stranger_company: Caller):
    for path in ("/v1/orders", "/v1/me", f"/v1/tenants/{acme.tenant['id']}"):
        answer = await stranger_company.http.get(path, headers={"backoffice-tenant": acme.tenant["id"]})
        nowhere = await stranger_company.http.get(path, headers={"backoffice-tenant": str(uuid.uuid4())})
        assert answer.status_code == nowhere.status_code
        assert answer.status_code in (403, 404)
        assert answer.json()["code"] == nowhere.json()["code"]
