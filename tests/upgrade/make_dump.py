# ruff: noqa: ASYNC240 - nothing else runs on this program's loop
"""`python -m tests.upgrade.make_dump NAME`: the database that this release leaves behind, for later ones to take over.

A change that adds tables makes its own dump, before it is merged: let `past.py` fill them through the API, let
`noted.py` read them if they have a list of their own, run this with a name that says when and what
(`2026_11_orders_and_billing`), and commit both files that it writes to `dumps/`: the database, and the facts
(credentials, what the API answered, the files in the store). Older dumps are never made again: customers have them.

The suite runs here on a PostgreSQL of its own. Its workers are stopped one after the other, so that the dump also holds
what was in flight: dead letters with an event waiting behind them, an event to be tried again, a message in the bus, a
fact not yet published, a job not yet begun.
"""

import asyncio
import gzip
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from deploy.run.suite import database, migrate_all
from shared.base import telemetry
from tests.kit.suite import eventually
from tests.stories.steps import a_customer, a_product, confirmed, listed, made, order_taken, shipped
from tests.upgrade.dumping import dumped, files_of
from tests.upgrade.noted import answers
from tests.upgrade.past import changed, drafted, import_begun, traded
from tests.upgrade.suites import Door, files_folder, settings, suite_over

DUMPS = Path(__file__).parent / "dumps"
SCOPES = ["orders:read", "orders:write", "billing:read", "billing:write", "billing:approve", "events:read",
          "events:write", "sandbox:read", "sandbox:write"]  # fmt: skip
HARBOUR = {"name": "Harbour Tea", "legal_name": "Harbour Tea Ltd", "country": "GB", "currency": "GBP",
           "time_zone": "Europe/London", "kind": "sandbox", "services": ["orders", "billing"]}  # fmt: skip
NORDLICHT = {"name": "Nordlicht", "legal_name": "Nordlicht GmbH", "country": "DE", "currency": "EUR",
             "time_zone": "Europe/Berlin", "kind": "live", "services": ["orders", "billing"]}  # fmt: skip
ORDERS_ONLY = NORDLICHT | {"name": "Späti", "legal_name": "Späti GmbH", "services": ["orders"]}
DAYS_AHEAD = 45
# What must be in flight when a dump is made, or it would prove too little.
UNDER_WAY = {
    "a dead letter": "select count(*) from billing.inbox where state = 'dead'",
    "an event waiting behind it": "select count(*) from billing.inbox where state = 'waiting'",
    "an event to be tried again": "select count(*) from billing.inbox where state = 'retry'",
    "a message in the bus": "select count(*) from bus.messages",
    "an unpublished fact": "select count(*) from orders.outbox where published_at is null",
    "a job not begun": "select count(*) from orders.jobs where state = 'pending'",
    "an invoice to fall due": "select count(*) from billing.due_times",
    "a posting exception": "select count(*) from billing.posting_exceptions where state = 'open'",
}

DEAD = "select count(*) = 2 from billing.inbox where state = 'dead'"
QUIET = """
select not exists (select from bus.messages) and not exists (select from orders.outbox where published_at is null)
and not exists (select from billing.outbox where published_at is null)
and not exists (select from orders.inbox where state <> 'done')
and not exists (select from billing.inbox where state <> 'done')
and not exists (
  select from billing.due_times join billing.tenants using (tenant_id) where due_at <= now() + clock_offset)
"""


async def make_dump(name: str) -> None:
    """Let companies trade, stop, and write the dump and the facts."""
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder)
        data_dir.chmod(0o711)  # the embedded server's own account passes through
        telemetry.configure_logs(settings(data_dir))
        async with database(settings(data_dir)) as url:
            await migrate_all(url, settings(data_dir))
            facts = await _lived(url, data_dir)
            await _check_under_way(url)
            (DUMPS / f"{name}.sql.gz").write_bytes(await dumped(url))
        facts["files"] = files_of(files_folder(data_dir))
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    (DUMPS / f"{name}.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


async def _lived(url: str, data_dir: Path) -> dict[str, Any]:
    """Everything up to the moment of the dump; returns the facts."""
    async with suite_over(url, data_dir, consumer_attempts=2) as door:
        secrets = json.loads((data_dir / "admin-credentials.json").read_text())
        operator = await door.signed_in(**secrets)
        facts = {"operator": secrets, "signing_keys": await key_ids(door)}
        facts["companies"] = [await _company(url, door, operator, wanted) for wanted in (HARBOUR, NORDLICHT)]
        late, api = await _signed_up(door, operator, ORDERS_ONLY)
        customer, orders = await _given_up(url, api)
    # Tried again after half a minute at the latest.
    async with suite_over(url, data_dir, consumer_backoff_seconds=20) as door:
        api = await door.signed_in(**late["client"])
        orders.append(await _shipped_order(api, customer))
        await eventually(lambda: _found(url, UNDER_WAY["an event to be tried again"]))
    async with suite_over(url, data_dir, working=["orders"]) as door:
        api = await door.signed_in(**late["client"])
        orders.append(await _shipped_order(api, customer))
        await eventually(lambda: _found(url, UNDER_WAY["a message in the bus"]))
    async with suite_over(url, data_dir, working=[]) as door:
        api = await door.signed_in(**late["client"])
        orders.append(await _shipped_order(api, customer))
        job = await import_begun(api)
    return facts | {"under_way": late | {"orders": orders, "import": job["id"]}}


async def key_ids(door: Door) -> list[str]:
    """The ids of the keys by which tokens are proven."""
    return sorted(key["kid"] for key in (await door.caller().get("/.well-known/jwks.json")).json()["keys"])


async def _signed_up(
    door: Door, operator: httpx.AsyncClient, wanted: dict[str, Any]
) -> tuple[dict[str, Any], httpx.AsyncClient]:
    """A company that is taken on, with a client and an API key."""
    tenant = await made(operator, "/v1/tenants", wanted)
    wish = {"name": "ERP", "scopes": SCOPES}
    client = await made(operator, f"/v1/tenants/{tenant['id']}/clients", wish)
    key = await made(operator, f"/v1/tenants/{tenant['id']}/api-keys", wish)
    credentials = {"client_id": client["client_id"], "client_secret": client["client_secret"]}
    facts = {"tenant": tenant["id"], "client": credentials, "api_key": key["key"]}
    facts |= {name: wanted[name] for name in ("name", "currency", "kind")}
    return facts, await door.signed_in(**credentials)


async def _company(
    url: str, door: Door, operator: httpx.AsyncClient, wanted: dict[str, Any]
) -> dict[str, Any]:
    """A company that traded; what its client reads, and a request that it may repeat."""
    facts, api = await _signed_up(door, operator, wanted)
    await traded(api, wanted["currency"])
    if wanted["kind"] == "sandbox":
        await made(api, "/v1/sandbox/clock", {"advance_seconds": DAYS_AHEAD * 86400})
    facts["repeatable"] = await _under_key(api, await listed(api, "/v1/customers"))
    draft = await drafted(api, facts["repeatable"]["answer"]["customer_id"], wanted["currency"])
    as_of = (await made(api, f"/v1/invoices/{draft['id']}/finalize"))["issued_on"]
    await eventually(lambda: _found(url, QUIET))
    return facts | {"as_of": as_of, "answers": await answers(api, as_of=as_of)}


async def _under_key(api: httpx.AsyncClient, customers: list[dict[str, Any]]) -> dict[str, Any]:
    """An order under an Idempotency-Key, byte for byte, and its answer."""
    wish = {"customer_id": customers[0]["id"], "lines": [{"sku": "TEA", "quantity": 1}], "confirm": True}
    asked = {
        "url": "/v1/orders",
        "content": json.dumps(wish),
        "headers": {"idempotency-key": "order-of-the-day", "content-type": "application/json"},
    }
    answer = await api.post(**asked)
    assert answer.status_code == 201, answer.text
    return {"request": asked, "answer": answer.json()}


async def _shipped_order(api: httpx.AsyncClient, customer: str) -> dict[str, Any]:
    order = await confirmed(api, await order_taken(api, customer, {"TEA": 2}))
    await shipped(api, order)
    return {"id": order["id"], "totals": order["totals"]}


async def _given_up(url: str, api: httpx.AsyncClient) -> tuple[str, list[dict[str, Any]]]:
    """Billing knows nothing of this company: it gives up on each fact, later ones of the same key wait behind."""
    customer = await a_customer(api, "Jane Early")
    for sku in ("TEA", "POT"):
        await a_product(api, sku, "6.40", stock=100, currency="EUR")
    orders = [await _shipped_order(api, customer)]
    await eventually(lambda: _found(url, DEAD))
    await changed(api, f"/v1/customers/{customer}", name="Jane Late")
    await eventually(lambda: _found(url, UNDER_WAY["an event waiting behind it"]))
    return customer, orders


async def _found(url: str, query: str) -> int:
    sql = await asyncpg.connect(url)
    try:
        return int(await sql.fetchval(query))
    finally:
        await sql.close()


async def _check_under_way(url: str) -> None:
    """Refuse a dump that would not hold all that an upgrade may find."""
    missing = [what for what, query in UNDER_WAY.items() if not await _found(url, query)]
    if missing:
        raise RuntimeError(f"the dump lacks {', '.join(missing)}")


if __name__ == "__main__":
    asyncio.run(make_dump(sys.argv[1]))
