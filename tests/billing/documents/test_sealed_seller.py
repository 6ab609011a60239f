"""Bank data of the seller: sealed in the database, masked on the wire, printed on documents, found by its scope."""

import io
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import httpx
import pytest
from lxml import etree
from pypdf import PdfReader

from services.billing.service import SERVICE
from shared.base import telemetry
from shared.context.ctx import TenantFacts
from shared.http.router import Operation
from tests.billing.given import ADDRESS, delivered, given_draft, given_invoice, line, pay, shipment
from tests.kit.canaries import held_of, planted_in, reads_of_sealed
from tests.kit.suite import Suite
from tests.kit.suite import test_settings as settings_with

IBAN, HOLDER, BIC, WORDS = (
    "GB33BUKB20201555555555",
    "Canary Holdings",
    "BUKBGB22",
    "Pay to canary 4711 within 7 days",
)
CANARIES = (IBAN, HOLDER, BIC, WORDS)
BANK = {"bank_account": {"holder": HOLDER, "iban": IBAN, "bic": BIC}, "payment_instructions": WORDS}
MASKED = {
    "bank_account": {"holder": "********", "iban": "GB** **** **** 5555", "bic": "********"},
    "payment_instructions": "********",
}
PATH = "/v1/seller-profile"


async def given_bank(billing: httpx.AsyncClient, *, version: int = 1, **changes: Any) -> dict[str, Any]:
    answer = await billing.patch(PATH, json=BANK | changes, headers={"if-match": str(version)})
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def bank_of(profile: dict[str, Any]) -> dict[str, Any]:
    return {name: profile[name] for name in BANK}


@pytest.fixture
def treasurer(suite: Suite, tenant: TenantFacts) -> httpx.AsyncClient:
    """Somebody who may see bank data."""
    return suite.client("billing", tenant, scopes=suite.all_scopes | {"billing.bank:read"})


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything that is logged, at every level."""
    stream = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr("sys.stderr", stream)
        telemetry.configure_logs(settings_with(log_level="DEBUG"))
    yield stream
    telemetry.configure_logs(settings_with())


@pytest.fixture
async def database(suite: Suite) -> AsyncIterator[asyncpg.Connection]:
    sql = await asyncpg.connect(suite.url)
    yield sql
    await sql.close()


async def audited(sql: asyncpg.Connection, tenant: TenantFacts) -> list[str]:
    return [read.partition("#")[2] for read in await reads_of_sealed(sql, tenant, "billing")]


async def test_bank_data_is_masked_but_for_who_may_see_it_and_that_is_recorded(
    tenant: TenantFacts,
    billing: httpx.AsyncClient,
    treasurer: httpx.AsyncClient,
    database: asyncpg.Connection,
):
    changed = await given_bank(billing)

    shown = (await billing.get(PATH)).json()
    before = await audited(database, tenant)
    full = (await treasurer.get(PATH)).json()

    assert shown == changed
    assert bank_of(shown) == MASKED
    assert before == []
    assert bank_of(full) == BANK
    assert await audited(database, tenant) == ["bank_account", "payment_instructions"]


async def test_what_is_left_out_of_a_change_stays(billing: httpx.AsyncClient, treasurer: httpx.AsyncClient):
    await given_bank(billing)

    for version, change in enumerate(({"tax_id": "GB123"}, {"payment_instructions": "New words"}), 2):
        answer = await billing.patch(PATH, json=change, headers={"if-match": str(version)})
        assert answer.status_code == 200
    words_only = (await treasurer.get(PATH)).json()
    await billing.patch(PATH, json={"bank_account": None}, headers={"if-match": "4"})
    neither = await billing.patch(PATH, json={"payment_instructions": None}, headers={"if-match": "5"})

    assert (words_only["bank_account"], words_only["payment_instructions"]) == (
        BANK["bank_account"],
        "New words",
    )
    assert (words_only["tax_id"], bank_of(neither.json())) == ("GB123", dict.fromkeys(BANK))


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"bank_account": MASKED["bank_account"]}, "/bank_account/iban"),
        ({"payment_instructions": MASKED["payment_instructions"]}, "/payment_instructions"),
    ],
)
async def test_the_masked_form_sent_back_is_refused_by_its_field(
    billing: httpx.AsyncClient, treasurer: httpx.AsyncClient, change: dict[str, Any], pointer: str
):
    await given_bank(billing)

    refused = await billing.patch(PATH, json=change, headers={"if-match": "2"})

    assert refused.status_code == 422
    assert (pointer, "masked_value") in {(e["pointer"], e["code"]) for e in refused.json()["errors"]}
    assert bank_of((await treasurer.get(PATH)).json()) == BANK


async def test_changing_needs_the_write_scope_only(suite: Suite, tenant: TenantFacts):
    writer = suite.client("billing", tenant, scopes={"billing:write"})

    assert bank_of(await given_bank(writer)) == MASKED


async def test_a_document_states_the_bank_data_it_was_issued_with_and_that_is_no_audited_read(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, database: asyncpg.Connection
):
    await given_bank(billing, tax_id="GB987654321")
    buyer = {"customer": {"name": "Jane", "billing_address": ADDRESS}}
    by_hand = await given_invoice(billing, **buyer)
    shipped = shipment("10.00")
    await delivered(suite, tenant, shipped)
    by_shipment = (await billing.get(f"/v1/invoices?order_id={shipped.order_id}")).json()["items"][0]

    other = {"bank_account": {"holder": "Another", "iban": "DE89370400440532013000"}}
    await given_bank(billing, version=2, **other, payment_instructions="Otherwise")
    later = await given_invoice(billing, **buyer)

    for invoice in (by_hand, by_shipment):
        assert {IBAN, HOLDER, BIC, WORDS} <= await texts_of(billing, invoice)
    assert {"DE89370400440532013000", "Another", "Otherwise"} <= await texts_of(billing, later)
    printed = [await paper_of(billing, invoice) for invoice in (by_hand, by_shipment, later)]
    assert ["GB33 BUKB" in paper for paper in printed] == [True, True, False]
    assert await audited(database, tenant) == []


async def texts_of(billing: httpx.AsyncClient, invoice: dict[str, Any]) -> set[str]:
    answer = await billing.get(f"/v1/invoices/{invoice['id']}/xml")
    assert answer.status_code == 200, answer.text
    return {text.strip() for text in etree.fromstring(answer.content).itertext()}


async def test_a_draft_states_the_bank_data_of_today(billing: httpx.AsyncClient):
    await given_bank(billing)
    draft = await given_draft(billing, line("10.00"))

    printed = await paper_of(billing, draft)

    assert [fact for fact in ("GB33 BUKB 2020 1555 5555 55", HOLDER, BIC, WORDS) if fact not in printed] == []


async def paper_of(billing: httpx.AsyncClient, invoice: dict[str, Any]) -> str:
    answer = await billing.get(f"/v1/invoices/{invoice['id']}/pdf")
    assert answer.status_code == 200, answer.text
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)


def reads() -> list[Operation]:
    routes = [route for router in SERVICE.routers() for route in router.routes]
    return [r for r in routes if isinstance(r, Operation) and r.methods == {"GET"}]


DOCUMENTS = ("/pdf", "/xml")


async def test_no_route_event_row_or_log_shows_planted_bank_data(
    suite: Suite,
    tenant: TenantFacts,
    billing: httpx.AsyncClient,
    treasurer: httpx.AsyncClient,
    database: asyncpg.Connection,
    logged: io.StringIO,
):
    await given_everything(suite, tenant, billing)
    bodies = {who: await read_all(client) for who, client in (("clerk", billing), ("treasurer", treasurer))}
    await suite.settled()

    by_path = {
        who: {path for path, text in found.items() if planted_in(text, CANARIES)}
        for who, found in bodies.items()
    }
    assert by_path["treasurer"] == {PATH}
    assert by_path["clerk"] == set()
    assert len(bodies["clerk"]) > 20
    held = await held_of(database, tenant)
    assert "INV-" in held
    assert planted_in(held, CANARIES) == []
    assert (
        planted_in("\n".join(row["envelope"] for row in await suite.outbox("billing", tenant.id)), CANARIES)
        == []
    )
    assert planted_in(logged.getvalue(), CANARIES) == []


async def given_everything(suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient) -> None:
    """One of each resource that billing has, after the bank data was set under a key and once more refused."""
    headers = {"if-match": "1", "idempotency-key": "bank data"}
    assert (await billing.patch(PATH, json=BANK, headers=headers)).status_code == 200
    assert (await billing.patch(PATH, json=BANK, headers=headers)).headers["idempotency-replayed"] == "true"
    for wrong in (
        {"payment_instructions": WORDS + "\x00"},
        {"bank_account": {"holder": HOLDER, "iban": IBAN + "1"}},
    ):
        headers = {"if-match": "2", "idempotency-key": f"wrong {list(wrong)}"}
        assert (await billing.patch(PATH, json=wrong, headers=headers)).status_code == 422
    await delivered(suite, tenant, shipment("10.00"))
    invoice = await given_invoice(billing, line("10.00"))
    assert (await pay(billing, invoice, "12.00")).status_code == 201
    credited = await given_invoice(billing, line("20.00"))
    note = {"invoice_id": credited["id"], "reason": "Returned"}
    assert (await billing.post("/v1/credit-notes", json=note)).status_code == 201
    await given_draft(billing, line("30.00"))


async def read_all(client: httpx.AsyncClient) -> dict[str, str]:
    """What every GET route but documents says, of every resource that its list shows."""
    ids: dict[str, list[str]] = {}
    found: dict[str, str] = {}
    for route in sorted(reads(), key=lambda r: r.path.count("{")):
        resource = route.path.split("/")[2]
        if route.path.endswith(DOCUMENTS):
            continue
        paths = (
            [route.path] if "{" not in route.path else [filled(route.path, i) for i in ids.get(resource, ())]
        )
        for path in paths:
            answer = await client.get(path)
            found[path] = answer.text + str(answer.headers)
            if answer.status_code == 200 and path == f"/v1/{resource}" and "items" in answer.json():
                ids[resource] = [item["id"] for item in answer.json()["items"][:3] if "id" in item]
    return found


def filled(path: str, value: str) -> str:
    start, end = path.index("{"), path.index("}")
    return path[:start] + value + path[end + 1 :]
