"""Journal entries and accounts through the API."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from shared.context.ctx import TenantFacts
from tests.billing.given import delivered, given_invoice, shipment
from tests.billing.ledger.books import (
    BANK,
    DAY,
    NO_DOCUMENTS,
    RECEIVABLE,
    SALES,
    assert_ties_out,
    entry_body,
    given_document,
    given_entry,
    trial_balance,
    wire,
)
from tests.kit.suite import Suite

ENTRIES = "/v1/journal-entries"


async def test_the_standard_chart_is_there_from_the_start(billing: httpx.AsyncClient):
    accounts = (await billing.get("/v1/accounts", params={"limit": 200})).json()["items"]

    assert len(accounts) == 43
    (receivable,) = [a for a in accounts if a["code"] == RECEIVABLE]
    assert (receivable["name"], receivable["type"], receivable["control"]) == (
        "Accounts receivable",
        "asset",
        "receivable",
    )
    assert (await billing.get(f"/v1/accounts/{receivable['id']}")).json() == receivable


async def test_provisioning_again_changes_nothing(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    before = [
        (await billing.get(path, params={"limit": 200})).json() for path in ("/v1/accounts", "/v1/periods")
    ]

    await suite.provision(tenant)

    after = [
        (await billing.get(path, params={"limit": 200})).json() for path in ("/v1/accounts", "/v1/periods")
    ]
    assert before == after


async def test_an_account_is_added_and_renamed(billing: httpx.AsyncClient):
    body = {"code": "6350", "name": "Travel", "type": "expense", "currency": "GBP"}
    account = (await billing.post("/v1/accounts", json=body)).json()
    path = f"/v1/accounts/{account['id']}"

    again = await billing.post("/v1/accounts", json=body | {"name": "Journeys"})
    assert (again.status_code, again.json()["code"]) == (409, "already_exists")
    assert (again.json()["account_id"], again.json()["account"]) == (account["id"], "6350")
    assert "constraint" not in again.json()
    assert (await billing.patch(path, json={"name": "Trips"})).status_code == 428
    renamed = await billing.patch(path, json={"name": "Trips"}, headers={"if-match": '"1"'})
    assert (renamed.json()["name"], renamed.json()["version"]) == ("Trips", 2)
    assert (await billing.patch(path, json={"type": "asset"}, headers={"if-match": "2"})).status_code == 422
    (found,) = (await billing.get("/v1/accounts", params={"code": "6350"})).json()["items"]
    assert found["name"] == "Trips"


async def test_an_entry_is_posted_and_read_back(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    body = entry_body(12_345)
    body["lines"][0]["dimensions"] = {"cost_centre": "north"}

    created = await billing.post(ENTRIES, json=body)

    assert created.status_code == 201, created.text
    entry = created.json()
    assert entry["number"] == "JE-2025-000001"
    assert (entry["effective_on"], entry["period"], entry["source"]) == ("2025-03-10", "2025-03-01", "manual")
    assert entry["lines"] == [
        {
            "line": 1,
            "account": BANK,
            "debit": wire(12_345),
            "credit": None,
            "open_item_id": None,
            "dimensions": {"cost_centre": "north"},
        },
        {
            "line": 2,
            "account": SALES,
            "debit": None,
            "credit": wire(12_345),
            "open_item_id": None,
            "dimensions": {},
        },
    ]
    assert (await billing.get(created.headers["location"])).json() == entry
    (fact,) = await suite.outbox("billing", tenant.id)
    assert (fact["type"], fact["ordering_key"]) == (
        "billing.journal_entry.posted.v1",
        f"journal_entry:{entry['id']}",
    )


async def test_each_currency_of_an_entry_balances(billing: httpx.AsyncClient):
    body = entry_body(100)
    body["lines"] += entry_body(55, currency="JPY")["lines"]

    both = await billing.post(ENTRIES, json=body)
    body["lines"][3]["credit"] = wire(54, "JPY")
    off = await billing.post(ENTRIES, json=body)

    assert both.status_code == 201, both.text
    assert (off.status_code, off.json()["code"]) == (422, "unbalanced_entry")
    assert (await trial_balance(billing, currency="JPY")) == {BANK: "55", SALES: "-55"}
    assert (await trial_balance(billing)) == {BANK: "1.00", SALES: "-1.00"}


@pytest.mark.parametrize(
    ("lines", "code", "pointer"),
    [
        ([{"account": BANK, "debit": wire(1)}], "too_short", "/lines"),
        (
            [{"account": BANK, "debit": wire(2)}, {"account": SALES, "credit": wire(1)}],
            "unbalanced_entry",
            "/lines",
        ),
        ([{"account": BANK, "debit": wire(1)}, {"account": SALES}], "debit_or_credit", "/lines/1"),
        (
            [{"account": BANK, "debit": wire(1), "credit": wire(1)}, {"account": SALES, "credit": wire(1)}],
            "debit_or_credit",
            "/lines/0",
        ),
        (
            [{"account": BANK, "debit": wire(-1)}, {"account": SALES, "credit": wire(-1)}],
            "amount_not_positive",
            "/lines/0",
        ),
        (
            [{"account": BANK, "debit": wire(0)}, {"account": SALES, "credit": wire(0)}],
            "amount_not_positive",
            "/lines/0",
        ),
        (
            [{"account": BANK, "debit": wire(1)}, {"account": "9999", "credit": wire(1)}],
            "unknown_account",
            "/lines/1/account",
        ),
        (
            [
                {"account": BANK, "debit": {"amount": 1.0, "currency": "GBP"}},
                {"account": SALES, "credit": wire(1)},
            ],
            "string_type",
            "/lines/0/debit/amount",
        ),
    ],
)
async def test_a_broken_entry_names_its_fault_and_posts_nothing(
    billing: httpx.AsyncClient, lines: list[dict[str, object]], code: str, pointer: str
):
    body = {"effective_on": "2025-03-10", "memo": "Broken", "lines": lines}

    answer = await billing.post(ENTRIES, json=body)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert (pointer, code) in {(e["pointer"], e["code"]) for e in answer.json()["errors"]}
    assert (await billing.get(ENTRIES)).json()["items"] == []
    assert await trial_balance(billing) == {}


async def test_a_refused_entry_leaves_no_gap_in_the_numbers(billing: httpx.AsyncClient):
    first = await given_entry(billing)
    broken = entry_body()
    broken["lines"][1]["account"] = "9999"
    await billing.post(ENTRIES, json=broken)

    second = await given_entry(billing)

    assert [first["number"], second["number"]] == ["JE-2025-000001", "JE-2025-000002"]


async def test_receivables_move_with_documents_only(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    by_hand = await billing.post(ENTRIES, json=entry_body(debit=RECEIVABLE))
    await given_document(suite, tenant, 500)
    (entry,) = (await billing.get(ENTRIES)).json()["items"]
    undone = await billing.post(f"{ENTRIES}/{entry['id']}/reverse")

    assert (by_hand.status_code, by_hand.json()["code"]) == (409, "control_account")
    assert (undone.status_code, undone.json()["code"]) == (409, "control_account")
    assert undone.json()["source"] == "invoice"
    assert await trial_balance(billing) == {RECEIVABLE: "5.00", SALES: "-5.00"}


async def test_an_account_of_one_currency_takes_no_other(billing: httpx.AsyncClient):
    await billing.post(
        "/v1/accounts", json={"code": "1020", "name": "Euro bank", "type": "asset", "currency": "EUR"}
    )

    wrong = await billing.post(ENTRIES, json=entry_body(debit="1020"))
    right = await billing.post(ENTRIES, json=entry_body(debit="1020", currency="EUR"))

    assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (422, "account_currency")
    assert right.status_code == 201


async def test_an_entry_is_reversed_once_by_its_mirror(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    entry = await given_entry(billing)
    path = f"{ENTRIES}/{entry['id']}/reverse"

    reversal = (
        await billing.post(path, json={"effective_on": "2025-04-01", "memo": "Wrong customer"})
    ).json()
    again = await billing.post(path, json={"effective_on": "2025-04-01"})
    back = await billing.post(f"{ENTRIES}/{reversal['id']}/reverse")

    assert (reversal["reverses_id"], reversal["source"], reversal["memo"]) == (
        entry["id"],
        "reversal",
        "Wrong customer",
    )
    assert [line["credit"] for line in reversal["lines"]] == [wire(10_000), None]
    assert (await billing.get(f"{ENTRIES}/{entry['id']}")).json()["reversed_by_id"] == reversal["id"]
    assert (again.status_code, again.json()["code"]) == (409, "already_reversed")
    assert (again.json()["reversed_by_id"], again.json()["reversed_by_number"]) == (
        reversal["id"],
        reversal["number"],
    )
    assert (reversal["source_id"], reversal["source_number"]) == (entry["id"], entry["number"])
    assert (back.status_code, back.json()["code"]) == (409, "reversal_of_reversal")
    assert await trial_balance(billing, as_of="2025-03-31") == {BANK: "100.00", SALES: "-100.00"}
    assert await trial_balance(billing, as_of="2025-04-01") == {BANK: "0.00", SALES: "0.00"}


async def test_a_reversal_is_today_unless_said_and_never_before_its_entry(billing: httpx.AsyncClient):
    soon = datetime.now(UTC).date() + timedelta(days=90)
    past, coming = await given_entry(billing), await given_entry(billing, on=soon)

    early = await billing.post(f"{ENTRIES}/{past['id']}/reverse", json={"effective_on": "2025-03-09"})
    today = await billing.post(f"{ENTRIES}/{past['id']}/reverse")
    later = await billing.post(f"{ENTRIES}/{coming['id']}/reverse", json={})

    assert (early.status_code, early.json()["errors"][0]["pointer"]) == (422, "/effective_on")
    assert today.json()["effective_on"] >= "2026-01-01"
    assert later.json()["effective_on"] == soon.isoformat()


async def test_entries_are_listed_by_account_source_and_day(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    first = await given_entry(billing, on=date(2025, 1, 5))
    second = await given_entry(billing, on=date(2025, 2, 5), debit="6300", credit=BANK)
    document = await given_document(suite, tenant, 700, on=date(2025, 3, 5))

    async def ids(**query: str) -> list[str]:
        answer = await billing.get(ENTRIES, params=query)
        assert answer.status_code == 200, answer.text
        return [e["id"] for e in answer.json()["items"]]

    third = (await ids(source="invoice"))[0]
    assert await ids() == [third, second["id"], first["id"]]
    assert await ids(account=BANK) == [second["id"], first["id"]]
    assert await ids(account=SALES, **{"from": "2025-02-01"}) == [third]
    assert await ids(**{"from": "2025-01-05", "to": "2025-02-05"}) == [second["id"], first["id"]]
    assert await ids(source="invoice", source_id=str(document)) == [third]
    assert await ids(source="manual", source_id=str(document)) == []
    assert await ids(account="9999") == []


async def test_the_entries_of_an_account_are_pages(billing: httpx.AsyncClient):
    made = [(await given_entry(billing, n))["id"] for n in range(1, 6)]

    seen, cursor = [], None
    while True:
        query = {"account": BANK, "limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await billing.get(ENTRIES, params=query)).json()
        seen += [e["id"] for e in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert seen == made[::-1]


async def test_another_tenant_sees_and_reverses_nothing(
    suite: Suite, stranger: TenantFacts, tenant: TenantFacts, billing: httpx.AsyncClient
):
    entry = await given_entry(billing)
    account = (await billing.get("/v1/accounts", params={"limit": 1})).json()["items"][0]
    theirs = suite.client("billing", stranger)

    assert (await theirs.get(f"{ENTRIES}/{entry['id']}")).status_code == 404
    assert (await theirs.post(f"{ENTRIES}/{entry['id']}/reverse")).status_code == 404
    assert (await theirs.get(f"/v1/accounts/{account['id']}")).status_code == 404
    assert (await theirs.get(ENTRIES)).json()["items"] == []
    assert await trial_balance(theirs) == {}
    reader = suite.client("billing", tenant, scopes={"billing:read"})
    assert (await reader.post(ENTRIES, json=entry_body())).status_code == 403
    assert (await billing.post(f"{ENTRIES}/{uuid4()}/reverse")).status_code == 404


async def test_the_same_key_posts_once(billing: httpx.AsyncClient):
    for _ in range(2):
        answer = await billing.post(ENTRIES, json=entry_body(), headers={"idempotency-key": "e-1"})
        assert answer.status_code == 201

    assert await trial_balance(billing) == {BANK: "100.00", SALES: "-100.00"}
    await assert_ties_out(billing, but=NO_DOCUMENTS)
    assert len((await billing.get(ENTRIES, params={"to": DAY.isoformat()})).json()["items"]) == 1


async def test_the_memo_of_a_documents_entry_begins_with_its_number(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing)
    note = (
        await billing.post("/v1/credit-notes", json={"invoice_id": invoice["id"], "reason": "Returned"})
    ).json()
    await delivered(suite, tenant, shipment())
    (shipped, *_) = (await billing.get("/v1/invoices")).json()["items"]

    entries = (await billing.get(ENTRIES)).json()["items"]

    assert [entry["memo"] for entry in entries] == [
        f"{shipped['number']}: Shipment of SO-2026-000001 to Jane",
        f"{note['number']}: Credit note on invoice {invoice['number']}",
        f"{invoice['number']}: Invoice to Jane",
    ]
    assert (await billing.get(f"{ENTRIES}/{entries[0]['id']}")).json() == entries[0]
