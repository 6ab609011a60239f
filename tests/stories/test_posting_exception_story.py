"""What goes wrong stays visible, holds up nothing else, and is put right by people."""

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from shared.context.ctx import TenantFacts
from tests.kit.suite import ROLE_SECRET, Suite, eventually
from tests.stories.steps import (
    a_customer,
    a_product,
    balances,
    everything_agrees,
    invoices_of,
    listed,
    made,
    money,
    order_taken,
    paid,
    payment_status_becomes,
    refused,
    seen,
    shipped,
)

ROOT = Path(__file__).parents[2]


async def test_a_shipment_into_a_closed_month_waits_and_is_invoiced_once_when_it_opens_again(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient, billing: httpx.AsyncClient
):
    customer = await a_customer(orders)
    lamp = await a_product(orders, "LAMP", "10.00", stock=5)
    month = datetime.now(UTC).strftime("%Y-%m-01")
    period = next(p for p in await listed(billing, "/v1/periods") if p["starts_on"] == month)
    await made(billing, f"/v1/periods/{period['id']}/close", {"through": True})
    order = await order_taken(orders, customer, {lamp: 1}, confirm=True)

    await shipped(orders, order)

    (held,) = await eventually(lambda: listed(billing, "/v1/posting-exceptions", state="open"))
    assert (held["code"], held["event"]["data"]["order_id"]) == ("period_closed", order["id"])
    assert await listed(billing, "/v1/invoices") == []
    await everything_agrees(orders, billing)
    later = suite.client("billing", await suite.advance_clock(tenant, timedelta(hours=2)))
    assert (await seen(later, f"/v1/posting-exceptions/{held['id']}"))["age_seconds"] >= 7200

    path = f"/v1/posting-exceptions/{held['id']}/retry"
    assert (await refused(billing, path))["code"] == "still_not_postable"
    await made(billing, f"/v1/periods/{period['id']}/reopen", {"reason": "a shipment came late"})
    assert (await made(billing, path))["state"] == "resolved"
    (invoice,) = await invoices_of(billing, order, 1)
    assert invoice["totals"] == order["totals"]
    await paid(billing, customer, money("12.00"), (invoice, money("12.00")))
    await payment_status_becomes(orders, order, "paid")
    await suite.settled()
    assert len(await listed(billing, "/v1/invoices")) == 1
    assert await listed(billing, "/v1/posting-exceptions", state="open") == []
    assert (await balances(billing))["1000"] == 12
    await everything_agrees(orders, billing)


@asynccontextmanager
async def broken_consumer(suite: Suite):
    """While it lasts, billing's database refuses customers with a certain name."""
    name = f"Poison {uuid4().hex}"
    rule = f"no_{uuid4().hex}"
    sql = await asyncpg.connect(suite.url)
    await sql.execute(
        f"alter table billing.customers add constraint {rule} check (name <> '{name}') not valid"
    )
    try:
        yield name
    finally:
        await sql.execute(f"alter table billing.customers drop constraint {rule}")
        await sql.close()


async def renamed(orders: httpx.AsyncClient, customer: str, name: str) -> None:
    version = (await orders.get(f"/v1/customers/{customer}")).headers["etag"]
    answer = await orders.patch(
        f"/v1/customers/{customer}", json={"name": name}, headers={"if-match": version}
    )
    assert answer.status_code == 200, answer.text


async def dead(billing: httpx.AsyncClient) -> list[dict[str, Any]]:
    return await listed(billing, "/v1/billing-dead-letters")


async def known_name(suite: Suite, tenant: TenantFacts, customer: str) -> str | None:
    """What billing's copy calls the customer."""
    async with suite["billing"].app_db.transaction(tenant.id) as tx:
        return await tx.sql.fetchval(
            "select name from customers where tenant_id = $1 and id = $2::text::uuid", tenant.id, customer
        )


async def given_dead_letter(suite: Suite, orders: httpx.AsyncClient, billing: httpx.AsyncClient, name: str):
    """A customer whose event billing gave up on, with a later event of the same customer behind it."""
    customer = await a_customer(orders, name)
    await eventually(lambda: dead(billing))
    await renamed(orders, customer, "Jane Mended")

    async def behind() -> bool:
        return (await dead(billing))[0]["waiting_behind"] == 1

    await eventually(behind)
    (letter,) = await dead(billing)
    assert (letter["type"], letter["state"]) == ("orders.customer.changed.v1", "dead")
    assert "CheckViolation" in letter["error"]
    return customer, letter


async def becomes_known(suite: Suite, tenant: TenantFacts, customer: str, name: str) -> None:
    async def known() -> bool:
        return await known_name(suite, tenant, customer) == name

    await eventually(known)


async def test_a_poison_event_is_given_up_on_while_others_flow_and_replayed_when_the_cause_is_mended(
    suite: Suite,
    tenant: TenantFacts,
    stranger: TenantFacts,
    orders: httpx.AsyncClient,
    billing: httpx.AsyncClient,
):
    async with broken_consumer(suite) as name:
        customer, letter = await given_dead_letter(suite, orders, billing, name)
        other = await a_customer(orders, "Unharmed")
        await becomes_known(suite, tenant, other, "Unharmed")
        assert await known_name(suite, tenant, customer) is None
        path = f"/v1/billing-dead-letters/{letter['id']}"
        elsewhere = suite.client("billing", stranger)
        assert await dead(elsewhere) == []
        assert {(await elsewhere.post(f"{path}/{verb}")).status_code for verb in ("replay", "discard")} == {
            404
        }

    assert (await made(billing, f"{path}/replay"))["state"] == "retry"

    await becomes_known(suite, tenant, customer, "Jane Mended")
    assert await dead(billing) == []
    assert (await billing.post(f"{path}/replay")).status_code == 404
    await suite.settled()


async def test_a_discarded_event_lets_those_behind_it_go_on(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient, billing: httpx.AsyncClient
):
    async with broken_consumer(suite) as name:
        customer, letter = await given_dead_letter(suite, orders, billing, name)

        discarded = await made(billing, f"/v1/billing-dead-letters/{letter['id']}/discard")

        assert discarded["state"] == "discarded"
        await becomes_known(suite, tenant, customer, "Jane Mended")
        assert await dead(billing) == []


async def test_a_message_nobody_can_read_is_put_aside_and_holds_up_nothing(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    mark = uuid4().hex
    sql = await asyncpg.connect(suite.url)
    await sql.execute(
        "insert into bus.messages (queue, ordering_key, type, body) values ('billing', $1, $2, $3)",
        f"customer:{mark}", "orders.customer.changed.v1", f"{{not json {mark}",
    )  # fmt: skip

    async def put_aside() -> str | None:
        return await sql.fetchval(
            "select error from billing.unreadable_messages where body like '%' || $1 || '%'", mark
        )

    assert await eventually(put_aside)
    assert (
        await sql.fetchval("select count(*) from bus.messages where ordering_key = $1", f"customer:{mark}")
        == 0
    )
    await sql.close()
    await becomes_known(suite, tenant, await a_customer(orders, "Unharmed"), "Unharmed")


async def backoffice(suite: Suite, tmp_path: Path, *arguments: str) -> tuple[int, str]:
    """Run the command beside the running suite."""
    environment = os.environ | {
        "BACKOFFICE_DATABASE_URL": suite.url, "BACKOFFICE_ROLE_SECRET": ROLE_SECRET,
        "BACKOFFICE_DATA_DIR": str(tmp_path), "COLUMNS": "400",
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy", *arguments,
        cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, output.decode()


@pytest.mark.parametrize("decision", ["replay", "discard"])
async def test_the_command_shows_and_decides_dead_events_of_all_tenants(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient, billing: httpx.AsyncClient,
    tmp_path: Path, decision: str,
):  # fmt: skip
    async with broken_consumer(suite) as name:
        customer, letter = await given_dead_letter(suite, orders, billing, name)
        status, text = await backoffice(suite, tmp_path, "events", "list", "--service", "billing")
        assert status == 0, text
        (row,) = [line for line in text.splitlines() if letter["id"] in line]
        assert str(tenant.id) in row
        assert "CheckViolation" in row

    status, text = await backoffice(suite, tmp_path, "events", decision, "billing", letter["id"])

    assert status == 0, text
    assert f"is now {'retry' if decision == 'replay' else 'discarded'}" in text
    await becomes_known(suite, tenant, customer, "Jane Mended")
    assert await dead(billing) == []


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("list", "--service", "laundry"), 2, "there is no service laundry"),
        (("replay", "laundry", str(uuid4())), 2, "there is no service laundry"),
        (
            ("discard", "gateway", "0195f0a0-0000-7000-8000-000000000000"),
            1,
            "0195f0a0-0000-7000-8000-000000000000",
        ),
    ],
)
async def test_the_command_says_what_there_is_not(
    suite: Suite, tmp_path: Path, arguments: tuple[str, ...], status: int, sentence: str
):
    found, text = await backoffice(suite, tmp_path, "events", *arguments)

    assert (found, sentence in text, "Traceback" in text) == (status, True, False), text
