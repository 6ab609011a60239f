"""Lists of invoices asked for at once share a transaction: each shows what it would show alone."""

import asyncio
from typing import Any

import httpx
from prometheus_client import REGISTRY

from services.billing.service import SERVICE as BILLING
from shared.context.ctx import TenantFacts
from shared.values.ids import new_id
from tests.billing.given import given_draft, given_invoice, shipment, told
from tests.kit.suite import Suite

COUNT = 12


def rounds() -> float:
    return REGISTRY.get_sample_value("backoffice_round_requests_count", {"service": BILLING.name}) or 0.0


async def listed(billing: httpx.AsyncClient, wishes: list[dict[str, Any]]) -> list[httpx.Response]:
    """All at once; the first goes alone, the others meet while it is at work."""
    return list(await asyncio.gather(*(billing.get("/v1/invoices", params=wish) for wish in wishes)))


async def test_each_finds_the_invoices_of_its_own_order_and_they_share_a_transaction(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    shipments = [shipment() for _ in range(COUNT)]
    for each in shipments:
        await told(suite, tenant, each)
    orders = [str(each.order_id) for each in shipments]
    before = rounds()

    answers = await listed(billing, [{"order_id": order} for order in [*orders, orders[0], str(new_id())]])

    found = [[i["source_refs"]["order_id"] for i in a.json()["items"]] for a in answers]
    assert found == [[order] for order in [*orders, orders[0]]] + [[]]
    assert all(len(a.json()["items"][0]["lines"]) == 1 for a in answers[:-1])
    assert rounds() - before < COUNT / 2


async def test_lists_by_different_filters_and_pages_show_what_they_show_alone(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    first, second = shipment("10.00", "5.00"), shipment()
    again = shipment(order_id=first.order_id, customer=first.customer)
    for each in (first, second, again):
        await told(suite, tenant, each)
    finalized, draft = await given_invoice(billing), await given_draft(billing)
    cursor = (await billing.get("/v1/invoices", params={"limit": 2})).json()["next"]
    by_order = {"order_id": str(first.order_id)}
    next_of_order = (await billing.get("/v1/invoices", params=by_order | {"limit": 1})).json()["next"]
    wishes: list[dict[str, Any]] = [
        {},
        {},
        {"limit": 2},
        {"limit": 2, "cursor": cursor},
        {"state": "draft"},
        {"state": "draft", "overdue": True},
        {"overdue": False},
        {"customer_id": finalized["customer_id"]},
        by_order,
        by_order | {"limit": 1},
        by_order | {"limit": 1, "cursor": next_of_order},
        by_order | {"state": "draft"},
        by_order | {"customer_id": str(first.customer.id)},
        by_order | {"customer_id": str(second.customer.id)},
        {"order_id": str(second.order_id)},
    ]
    alone = [(await billing.get("/v1/invoices", params=wish)).json() for wish in wishes]
    before = rounds()

    answers = await listed(billing, wishes)

    assert [a.json() for a in answers] == alone
    assert rounds() - before < len(wishes) / 2
    assert {len(page["items"]) for page in alone} == {0, 1, 2, 5}
    assert [i["id"] for i in alone[4]["items"]] == [draft["id"]]
    assert [len(page["items"]) for page in alone[8:11]] == [2, 1, 1]
    assert [page["next"] is None for page in alone[8:11]] == [True, False, True]


async def test_what_is_refused_is_told_why_and_the_others_are_shown(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    shipped = shipment()
    await told(suite, tenant, shipped)
    order = str(shipped.order_id)

    answers = await listed(
        billing,
        [
            {"order_id": order},
            {"order_id": order},
            {"order_id": "none"},
            {"order_id": order, "cursor": "AAAA"},
            {"order_id": order, "state": "lost"},
            {"order_id": order},
        ],
    )

    assert [a.status_code for a in answers] == [200, 200, 422, 422, 422, 200]
    assert {len(a.json()["items"]) for a in answers if a.status_code == 200} == {1}


async def test_lists_taken_together_leave_no_audit_rows(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await listed(billing, [{}] * COUNT)

    async with suite["billing"].app_db.transaction(tenant.id) as tx:
        assert await tx.sql.fetchval("select count(*) from audit where tenant_id = $1", tenant.id) == 0
