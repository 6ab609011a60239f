"""Shipped fulfilments become invoices: once each, with the order's own figures, also under races."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime

import asyncpg
import httpx
import pytest

from services.billing.invoices import actions
from services.billing.invoices.actions import shipments
from shared.bus.transport import Delivery
from shared.context.ctx import TenantFacts
from shared.contracts.event import envelope
from shared.values.ids import new_id
from shared.values.money import Money
from tests.billing.given import (
    assert_tied_out,
    balances,
    delivered,
    events_of,
    given_draft,
    given_seller,
    money,
    shipment,
)
from tests.kit.suite import Suite, eventually


async def invoices_of(billing: httpx.AsyncClient, **filters: str) -> list[dict[str, object]]:
    answer = await billing.get("/v1/invoices", params=filters)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, object]] = answer.json()["items"]
    return items


async def test_a_shipment_is_invoiced_with_the_orders_own_figures(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await given_seller(billing)
    shipped = shipment("0.33", "0.33", "0.33", cost="0.50", payment_terms_days=10)

    await delivered(suite, tenant, shipped)

    (invoice,) = await invoices_of(billing, order_id=str(shipped.order_id))
    assert (invoice["state"], invoice["payment_status"]) == ("finalized", "unpaid")
    assert invoice["totals"] == {"net": money("0.99"), "tax": money("0.20"), "gross": money("1.19")}
    assert [x["tax"]["amount"] for x in invoice["lines"]] == [x.tax.text for x in shipped.lines]
    assert invoice["source_refs"] == {
        "order_id": str(shipped.order_id),
        "fulfilment_id": str(shipped.fulfilment_id),
    }
    assert (invoice["delivered_on"], invoice["order_number"]) == ("2026-01-05", "SO-2026-000001")
    assert (invoice["customer"]["name"], invoice["open"]) == ("Jane", money("1.19"))
    stands = {account: str(amount) for account, amount in (await balances(billing)).items() if amount}
    assert stands == {"1100": "1.19", "4000": "-0.99", "2200": "-0.20", "5000": "0.50", "1200": "-0.50"}
    timeline = (await billing.get(f"/v1/invoices/{invoice['id']}/timeline")).json()["items"]
    assert [t["verb"] for t in timeline] == ["finalize", "create"]
    assert (await billing.get(f"/v1/invoices/{invoice['id']}/xml")).status_code == 200
    assert len(await events_of(suite, tenant, "billing.invoice.finalized.v1")) == 1
    await assert_tied_out(suite, tenant, billing)


async def test_the_same_event_twice_makes_one_invoice(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    shipped, event_id = shipment(), new_id()

    await asyncio.gather(*(delivered(suite, tenant, shipped, event_id=event_id) for _ in range(8)))
    await delivered(suite, tenant, shipped, event_id=event_id)

    assert len(await invoices_of(billing)) == 1
    assert (await billing.get("/v1/posting-exceptions")).json()["items"] == []
    await assert_tied_out(suite, tenant, billing)


async def test_the_same_fulfilment_told_by_several_events_at_once_makes_one_invoice(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    shipped = shipment()

    await asyncio.gather(*(delivered(suite, tenant, shipped) for _ in range(10)))

    assert len(await invoices_of(billing)) == 1
    assert (await billing.get("/v1/posting-exceptions")).json()["items"] == []
    await delivered(suite, tenant, shipment())
    assert [i["number"][-6:] for i in await invoices_of(billing)] == ["000002", "000001"]
    await assert_tied_out(suite, tenant, billing)


async def test_many_shipments_at_once_are_numbered_without_gap(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    broken = {"net": Money(1, "GBP")}

    await asyncio.gather(
        *(delivered(suite, tenant, shipment(**(broken if n % 5 == 0 else {}))) for n in range(60))
    )

    numbers = sorted(int(str(i["number"])[-6:]) for i in (await invoices_of(billing, limit="200")))
    assert numbers == list(range(1, 49))
    held = (await billing.get("/v1/posting-exceptions?state=open")).json()["items"]
    assert len(held) == 12
    await assert_tied_out(suite, tenant, billing)


async def test_a_shipment_of_nothing_is_settled_and_books_only_its_cost(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await delivered(suite, tenant, shipment("0.00", cost="2.00"))
    await delivered(suite, tenant, shipment("0.00"))

    free, gift = await invoices_of(billing)
    assert {i["payment_status"] for i in (gift, free)} == {"paid"}
    assert (gift["journal_entry_id"] is None, free["journal_entry_id"]) == (False, None)
    assert len(await events_of(suite, tenant, "billing.invoice.paid.v1")) == 2
    assert {k: int(v) for k, v in (await balances(billing)).items() if v} == {"5000": 2, "1200": -2}
    await assert_tied_out(suite, tenant, billing)


async def test_a_crash_in_the_middle_leaves_nothing_and_the_event_comes_again(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    shipped, failures = shipment(), iter([True, True])
    tell = shipments._tell

    def crash_first(*args: object) -> None:
        if next(failures, False):
            raise RuntimeError("crashed after the invoice was stored")
        tell(*args)

    monkeypatch.setattr(shipments, "_tell", crash_first)
    await delivered(suite, tenant, shipped)
    assert await invoices_of(billing) == []
    assert not any((await balances(billing)).values())

    async def invoiced() -> list[dict[str, object]]:
        return await invoices_of(billing)

    assert [i["number"][-6:] for i in await eventually(invoiced)] == ["000001"]
    assert (await billing.get("/v1/posting-exceptions")).json()["items"] == []
    await assert_tied_out(suite, tenant, billing)


async def test_a_lost_connection_is_nobodys_fault_and_is_raised(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    async def kill(batch):
        ((ctx, _),) = batch.items
        await ctx.sql.execute("select pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(actions, "SHIPMENTS", replace(actions.SHIPMENTS, post=kill))

    with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
        await delivered(suite, tenant, shipment())

    assert (await billing.get("/v1/posting-exceptions")).json()["items"] == []


async def test_a_draft_that_claims_the_fulfilment_does_not_hide_the_shipment(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    shipped = shipment()
    draft = await given_draft(billing, source_refs={"fulfilment_id": str(shipped.fulfilment_id)})

    await delivered(suite, tenant, shipped)

    (held,) = (await billing.get("/v1/posting-exceptions")).json()["items"]
    assert held["code"] == "already_exists"
    assert draft["id"] in held["reason"]
    await billing.delete(f"/v1/invoices/{draft['id']}")
    assert (await billing.post(f"/v1/posting-exceptions/{held['id']}/retry")).status_code == 200
    assert len(await invoices_of(billing)) == 1


async def test_through_the_transport_and_with_a_redelivery(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    shipped, event_id = shipment(), new_id()
    await delivered(suite, tenant, shipped, event_id=event_id)
    async with suite["billing"].worker_db.transaction(None) as tx:
        state = await tx.sql.fetchval("select state from inbox where event_id = $1", event_id)
    assert state == "done"

    again = envelope(
        shipped, id=event_id, source="orders", subject="x", time=datetime.now(UTC), tenant_id=tenant.id, version=1,
        ordering_key="test:again", actor_id="t", causation_id=None, correlation_id=None, traceparent="",
    )  # fmt: skip
    await suite["billing"].inbox.deliver(Delivery(again.ordering_key, again.text, True))

    assert len(await invoices_of(billing)) == 1


async def test_dates_follow_numbers(suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient):
    """Who began before midnight and numbers after one of the next day is begun again, dated the next day."""
    await delivered(suite, tenant, shipment())
    insert = (
        "insert into invoices (tenant_id, id, state, number, customer_id, customer, currency, net_minor, tax_minor, "
        "gross_minor, tax_breakdown, issued_on, due_on) "
        "values ($1, $2, 'finalized', 'INV-X', $2, '{}', 'GBP', 0, 0, 0, '[]', $3, $3)"
    )

    with pytest.raises(asyncpg.SerializationError):
        async with suite["billing"].app_db.transaction(tenant.id) as tx:
            await tx.sql.execute(insert, tenant.id, new_id(), date(2020, 1, 1))
