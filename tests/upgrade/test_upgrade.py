"""What earlier releases left behind is migrated, reads as before, and goes on.

For each dump in `dumps/`, whatever the schema was then; see `make_dump.py` for what is in one.
"""

import difflib
from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any

import asyncpg
import httpx
import pytest

from deploy.run.boot import schema_ready
from deploy.run.suite import migrate_all
from gateway.service import SERVICE as GATEWAY
from services.all import SERVICES
from shared.database.migrations import head
from shared.database.rls import app_role, require_no_place_for_tables, worker_role
from tests.kit import postgres
from tests.kit.suite import eventually, migrated_database, when_made
from tests.stories.steps import (
    Document,
    everything_agrees,
    invoices_of,
    listed,
    made,
    money,
    paid,
    payment_status_becomes,
    seen,
    shipped,
)
from tests.upgrade.conftest import Migrated, Upgraded
from tests.upgrade.dumping import text_of
from tests.upgrade.noted import by_ref, differences
from tests.upgrade.suites import settings

# One worker restores a dump once; the tests of it come one after the other.
pytestmark = pytest.mark.xdist_group("upgrade")


def changes(before: list[str], after: list[str]) -> list[str]:
    """The lines that differ, the first of them."""
    return list(difflib.unified_diff(before, after, n=0, lineterm=""))[:50]


def schema_of(url: str) -> list[str]:
    """Everything but rows, without brackets: an expression comes back from a dump with fewer of them.

    Some builds of PostgreSQL stamp each column with `pg_attver`, when it was made; that is no part of a schema. Nor is
    the order in which services that came one after the other were granted something.
    """
    without = str.maketrans("", "", "()")
    lines = [
        line.translate(without) for line in text_of(url, "--schema-only") if " SET (pg_attver=" not in line
    ]
    grants = sorted(line for line in lines if line.startswith("GRANT "))
    return [*(line for line in lines if not line.startswith("GRANT ")), *grants]


async def clients_of(upgraded: Upgraded) -> list[tuple[dict[str, Any], httpx.AsyncClient]]:
    """The companies that had traded, with the clients they had."""
    return [(one, await upgraded.door.signed_in(**one["client"])) for one in upgraded.companies]


def next_number(invoices: list[Document], year: int) -> str:
    """The number that follows the last one of a year."""
    series = f"INV-{year}-"
    taken = [int(i["number"][len(series) :]) for i in invoices if (i["number"] or "").startswith(series)]
    assert sorted(taken) == list(range(1, len(taken) + 1))
    return f"{series}{len(taken) + 1:06d}"


def test_a_second_migration_changes_nothing(migrated: Migrated):
    assert migrated.changed_again == []
    assert changes(migrated.once, migrated.twice) == []


async def test_the_schema_is_the_one_that_a_new_database_gets(migrated: Migrated, admin_url: str):
    """A revision that was edited after its release would reach new databases only."""
    fresh = await migrated_database(admin_url, (*SERVICES, GATEWAY), "upgrade_fresh")
    try:
        assert changes(schema_of(fresh), schema_of(migrated.url)) == []
    finally:
        await postgres.drop_database(admin_url, "upgrade_fresh")


OPEN_FUNCTIONS = """
select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname = any($1) and has_function_privilege('public', p.oid, 'execute')
"""


async def test_what_everybody_might_call_and_make_before_nobody_may_any_more(migrated: Migrated):
    schemas = ["app", "bus", *(service.name for service in (*SERVICES, GATEWAY))]
    sql = await asyncpg.connect(migrated.url)
    try:
        assert await sql.fetch(OPEN_FUNCTIONS, schemas) == []
        for service in (*SERVICES, GATEWAY):
            await require_no_place_for_tables(sql, app_role(service.name), worker_role(service.name))
    finally:
        await sql.close()


async def test_clients_read_what_they_had_read_before(upgraded: Upgraded):
    for company in upgraded.companies:
        assert differences(company["answers"], upgraded.read[company["tenant"]]) == []


async def test_what_was_there_before_is_found(upgraded: Upgraded):
    """By number, reference and the words of its customer, which the migration has folded and taken apart."""
    for company, client in await clients_of(upgraded):
        customers = {each["id"]: each for each in await listed(client, "/v1/customers")}
        for order in await listed(client, "/v1/orders"):
            customer = customers[order["customer_id"]]
            texts = [
                order["number"],
                order["external_ref"],
                customer["name"],
                customer["email"],
                customer["phone"],
            ]
            for text in filter(None, texts):
                found = await listed(client, "/v1/orders", q=text.upper())
                assert order["id"] in {each["id"] for each in found}, text
        for product in await listed(client, "/v1/products"):
            for text in (product["sku"], product["name"]):
                assert product in await listed(client, "/v1/products", q=text)
        for invoice in await listed(client, "/v1/invoices"):
            for text in filter(None, (invoice["number"], invoice["customer"]["name"])):
                found = await listed(client, "/v1/invoices", q=text)
                assert invoice["id"] in {each["id"] for each in found}, text
        for payment in await listed(client, "/v1/payments"):
            if payment["reference"]:
                assert payment in await listed(client, "/v1/payments", q=payment["reference"].lower())
        assert company["answers"]


async def test_credentials_and_signing_keys_of_before_still_count(upgraded: Upgraded):
    door = upgraded.door
    operator = await door.signed_in(**upgraded.facts["operator"])
    assert (await seen(operator, "/v1/me"))["kind"] == "operator"
    for company in upgraded.companies:
        client = await door.signed_in(**company["client"])
        for api in (client, door.caller(company["api_key"])):
            assert (await seen(api, "/v1/me"))["tenant"]["id"] == company["tenant"]
    published = {key["kid"] for key in (await seen(door.caller(), "/.well-known/jwks.json"))["keys"]}
    assert published >= set(upgraded.facts["signing_keys"])


async def test_companies_are_kept_apart(upgraded: Upgraded):
    (one, _), (_, other) = await clients_of(upgraded)
    for kind in ("orders", "invoices", "payments", "journal-entries"):
        for document in one["answers"][f"/v1/{kind}"]:
            assert (await other.get(f"/v1/{kind}/{document['id']}")).status_code == 404


async def test_what_was_under_way_arrives_once(upgraded: Upgraded):
    """Unpublished, in the bus, to be tried again, waiting; and what was given up, once it is replayed."""
    late = upgraded.facts["under_way"]
    api = await upgraded.door.signed_in(**late["client"])
    given_up = await listed(api, "/v1/billing-dead-letters")
    assert {letter["type"] for letter in given_up} == {
        "orders.customer.changed.v1",
        "orders.fulfilment.shipped.v1",
    }
    assert sum(letter["waiting_behind"] for letter in given_up) == 1
    for letter in given_up:
        await made(api, f"/v1/billing-dead-letters/{letter['id']}/replay")

    for order in late["orders"]:
        (invoice,) = await invoices_of(api, order, 1)
        assert invoice["totals"] == order["totals"]

    async def imported() -> bool:
        job = await seen(api, f"/v1/order-imports/{late['import']}")
        return (job["state"], job["orders_created"], job["orders_failed"]) == ("done", 1, 1)

    await eventually(imported)
    await eventually(lambda: agreed(upgraded, "not exists (select from billing.inbox where state <> 'done')"))
    invoices = await listed(api, "/v1/invoices")
    assert len(invoices) == len(late["orders"])
    next_number(invoices, date.fromisoformat(invoices[0]["issued_on"]).year)
    await everything_agrees(api, api, late["currency"])


async def agreed(upgraded: Upgraded, condition: str) -> bool:
    sql = await asyncpg.connect(upgraded.url)
    try:
        return bool(await sql.fetchval(f"select {condition}"))
    finally:
        await sql.close()


async def test_a_confirmed_order_ships_is_invoiced_with_the_next_number_and_paid(upgraded: Upgraded):
    for company, api in await clients_of(upgraded):
        order = by_ref(company["answers"], "to-ship")
        before = await listed(api, "/v1/invoices")

        await shipped(api, order)
        (invoice,) = await invoices_of(api, order, 1)
        gross = order["totals"]["gross"]
        await paid(api, order["customer_id"], gross, (invoice, gross))

        assert invoice["totals"] == order["totals"]
        assert invoice["number"] == next_number(before, date.fromisoformat(invoice["issued_on"]).year)
        await payment_status_becomes(api, order, "paid")
        await everything_agrees(api, api, company["currency"])


async def test_an_order_in_the_middle_goes_on(upgraded: Upgraded):
    for company, api in await clients_of(upgraded):
        part, held = (by_ref(company["answers"], ref) for ref in ("partly-shipped", "held"))
        await shipped(api, part)
        await made(api, f"/v1/orders/{held['id']}/holds/{held['holds'][0]['id']}/release")
        await shipped(api, held)

        first, rest = await invoices_of(api, part, 2)
        (whole,) = await invoices_of(api, held, 1)
        assert whole["totals"] == held["totals"]
        assert (first["number"], rest["state"]) != (rest["number"], "draft")
        assert (await seen(api, f"/v1/orders/{part['id']}"))["state"] == "completed"
        await everything_agrees(api, api, company["currency"])


async def test_a_request_of_before_is_answered_again_under_its_key(upgraded: Upgraded):
    for company, api in await clients_of(upgraded):
        asked, answer = company["repeatable"]["request"], company["repeatable"]["answer"]
        count = len(await listed(api, "/v1/orders"))

        again = await api.post(**asked)
        other = await api.post(**asked | {"content": asked["content"].replace("true", "false")})

        assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
        assert again.json() == answer
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
        assert len(await listed(api, "/v1/orders")) == count


async def test_a_version_of_before_is_what_a_change_needs(upgraded: Upgraded):
    for company, api in await clients_of(upgraded):
        product = next(p for p in company["answers"]["/v1/products"] if p["sku"] == "ADVICE")
        path = f"/v1/products/{product['id']}"
        etag = f'"{product["version"]}"'

        renamed = await api.patch(path, json={"name": "Advice, an hour"}, headers={"if-match": etag})
        stale = await api.patch(path, json={"name": "Too late"}, headers={"if-match": etag})

        assert (renamed.status_code, stale.status_code) == (200, 412), renamed.text


async def forms_of(api: httpx.AsyncClient, path: str, query: str = "") -> tuple[bytes, bytes]:
    """Paper and data of a document."""
    paper, data = [await when_made(partial(api.get, f"{path}/{form}{query}")) for form in ("pdf", "xml")]
    assert paper.content.startswith(b"%PDF"), paper.text
    assert data.content.startswith(b"<?xml"), data.text
    return paper.content, data.content


async def test_documents_of_before_are_fixed_from_now_on(upgraded: Upgraded):
    """They say what the company is called at the upgrade, and what happens later changes nothing."""
    for company, api in await clients_of(upgraded):
        invoices, notes = company["answers"]["/v1/invoices"], company["answers"]["/v1/credit-notes"]
        numbered = [f"/v1/invoices/{i['id']}" for i in invoices if i["state"] == "finalized"]
        numbered += [f"/v1/credit-notes/{note['id']}" for note in notes]
        before = {path: await forms_of(api, path) for path in numbered}
        owing = next(i for i in invoices if i["state"] == "finalized" and i["payment_status"] == "unpaid")
        a_part = money("1.00", company["currency"])

        await paid(api, owing["customer_id"], a_part, (owing, a_part))
        profile = await api.get("/v1/seller-profile")
        change = {"tax_id": "GB000000000", "email": "new@example.com"}
        headers = {"if-match": str(profile.json()["version"])}
        assert (await api.patch("/v1/seller-profile", json=change, headers=headers)).status_code == 200

        assert {path: await forms_of(api, path) for path in numbered} == before
        assert all(b"TotalPrepaidAmount>0.00<" in data for _, data in before.values())


async def test_an_invoice_voided_before_is_shown_as_it_was_issued(upgraded: Upgraded):
    for company, api in await clients_of(upgraded):
        (invoice,) = (i for i in company["answers"]["/v1/invoices"] if i["state"] == "voided")

        refused = await api.get(f"/v1/invoices/{invoice['id']}/pdf")
        _, data = await forms_of(api, f"/v1/invoices/{invoice['id']}", "?original=true")

        assert (refused.status_code, refused.json()["code"]) == (409, "voided")
        assert refused.json()["credit_note"] is None
        assert invoice["number"].encode() in data


UNBALANCED = """
insert into billing.postings
select (jsonb_populate_record(p, '{"line": 999}')).* from billing.postings p where amount_minor > 0 limit 1
"""


async def test_the_books_still_refuse_what_they_refused(upgraded: Upgraded):
    for company, api in await clients_of(upgraded):
        month = next(m for m in company["answers"]["/v1/periods"] if m["state"] == "closed")
        amounts = (
            {"debit": money("2.00", company["currency"])},
            {"credit": money("1.00", company["currency"])},
        )
        lines = [{"account": "6999", **amounts[0]}, {"account": "1000", **amounts[1]}]
        wish = {"effective_on": company["as_of"], "memo": "Unbalanced", "lines": lines}
        even = [{"account": "6999", **amounts[0]}, {"account": "1000", "credit": amounts[0]["debit"]}]

        unbalanced = await api.post("/v1/journal-entries", json=wish)
        closed = await api.post(
            "/v1/journal-entries", json=wish | {"lines": even, "effective_on": month["starts_on"]}
        )

        assert (unbalanced.status_code, unbalanced.json()["code"]) == (422, "unbalanced_entry")
        assert (closed.status_code, closed.json()["code"]) == (409, "period_closed")
    sql = await asyncpg.connect(upgraded.url)
    try:
        with pytest.raises(asyncpg.PostgresError, match="unbalanced_entry"):
            await sql.execute(UNBALANCED)
        with pytest.raises(asyncpg.PostgresError, match="append_only"):
            await sql.execute("update billing.journal_entries set memo = 'another'")
    finally:
        await sql.close()


async def test_a_shipment_that_could_not_be_posted_is_posted(upgraded: Upgraded):
    for company, api in await clients_of(upgraded):
        (held,) = await listed(api, "/v1/posting-exceptions", state="open")

        settled = await made(api, f"/v1/posting-exceptions/{held['id']}/retry")

        (invoice,) = await invoices_of(api, by_ref(company["answers"], "not-posted"), 1)
        assert (settled["state"], invoice["state"]) == ("resolved", "finalized")
        await everything_agrees(api, api, company["currency"])


async def test_an_invoice_of_before_falls_due_on_the_sandboxs_clock(upgraded: Upgraded):
    company, api = next(pair for pair in await clients_of(upgraded) if pair[0]["kind"] == "sandbox")
    latest = max(company["answers"]["/v1/invoices"], key=lambda invoice: invoice["due_on"] or "")
    told = f"""exists (select from billing.outbox where type = 'billing.invoice.overdue.v1'
      and envelope::jsonb->'data'->>'invoice_id' = '{latest["id"]}')"""
    assert not await agreed(upgraded, told)

    ahead = timedelta(days=latest["payment_terms_days"] + 1)
    await made(api, "/v1/sandbox/clock", {"advance_seconds": int(ahead.total_seconds())})

    await eventually(lambda: agreed(upgraded, told))
    assert latest["id"] in [invoice["id"] for invoice in await listed(api, "/v1/invoices", overdue="true")]


async def test_going_back_leaves_a_newer_schema_alone_and_lets_the_older_programs_start(migrated: Migrated):
    """With the image of the release before, its migration job runs, too."""
    wanted = settings(migrated.data_dir, database_url=migrated.url)
    revisions = {service.name: head(service.migrations) for service in (*SERVICES, GATEWAY)}
    await at_revisions(migrated.url, dict.fromkeys(revisions, "of_the_next_release"))
    try:
        assert await migrate_all(migrated.url, wanted) == []
        for service in (*SERVICES, GATEWAY):
            await schema_ready(service, wanted)
    finally:
        await at_revisions(migrated.url, revisions)


async def at_revisions(url: str, revisions: Mapping[str, str | None]) -> None:
    """Have each schema say that it is at a revision."""
    sql = await asyncpg.connect(url)
    try:
        for service, revision in revisions.items():
            await sql.execute(f"update {service}.alembic_version set version_num = $1", revision)
    finally:
        await sql.close()
