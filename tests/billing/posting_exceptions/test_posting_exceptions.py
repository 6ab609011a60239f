"""Events that the books refuse stay visible until they are posted or discarded."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.context.ctx import TenantFacts
from shared.values.ids import new_id
from shared.values.money import Money
from tests.billing.given import (
    assert_tied_out,
    balances,
    close_month,
    delivered,
    events_of,
    reopen_month,
    shipment,
)
from tests.kit.suite import Suite


async def held(billing: httpx.AsyncClient, state: str = "open") -> list[dict[str, Any]]:
    answer = await billing.get("/v1/posting-exceptions", params={"state": state})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_a_shipment_into_a_closed_period_is_kept_and_posted_when_it_opens(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    period, shipped = await close_month(billing), shipment(cost="3.00")

    event_id = await delivered(suite, tenant, shipped)
    await delivered(suite, tenant, shipped, event_id=event_id)

    (found,) = await held(billing)
    assert (found["code"], found["event"]["id"], found["event"]["type"]) == (
        "period_closed",
        str(event_id),
        "orders.fulfilment.shipped.v1",
    )
    assert found["event"]["data"]["fulfilment_id"] == str(shipped.fulfilment_id)
    assert found["allowed_actions"] == ["retry", "discard"]
    assert (await billing.get("/v1/invoices")).json()["items"] == []
    assert (
        await events_of(suite, tenant, "billing.invoice.finalized.v1", "billing.journal_entry.posted.v1")
        == []
    )
    path = f"/v1/posting-exceptions/{found['id']}"

    refused = await billing.post(f"{path}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "still_not_postable")
    assert refused.json()["reason"]["code"] == "period_closed"
    assert (await billing.get(path)).json()["state"] == "open"

    await reopen_month(billing, period)
    resolved = await billing.post(f"{path}/retry")
    assert resolved.status_code == 200, resolved.text
    assert (resolved.json()["state"], resolved.json()["allowed_actions"]) == ("resolved", [])
    (invoice,) = (await billing.get("/v1/invoices")).json()["items"]
    assert invoice["number"].endswith("-000001")
    assert (await billing.post(f"{path}/retry")).status_code == 409
    timeline = (await billing.get(f"{path}/timeline")).json()["items"]
    assert [(t["verb"], t["to_state"]) for t in timeline] == [("retry", "resolved"), ("hold", "open")]
    await assert_tied_out(suite, tenant, billing)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"gross": Money(1, "GBP")}, "inconsistent_figures"),
        ({"tax_breakdown": []}, "inconsistent_figures"),
        ({"payment_terms_days": 400}, "refused_by_books"),
    ],
)
async def test_what_is_refused_leaves_no_trace_but_its_exception(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, changes: dict[str, Any], code: str
):
    await delivered(suite, tenant, shipment().model_copy(update=changes))

    (found,) = await held(billing)
    assert found["code"] == code
    assert found["reason"].endswith(".")
    assert (await billing.get("/v1/invoices")).json()["items"] == []
    assert not any((await balances(billing)).values())
    await delivered(suite, tenant, shipment())
    assert [i["number"][-6:] for i in (await billing.get("/v1/invoices")).json()["items"]] == ["000001"]
    await assert_tied_out(suite, tenant, billing)


async def test_its_age_grows_until_it_is_decided(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await delivered(suite, tenant, shipment(gross=Money(1, "GBP")))
    later = suite.client("billing", await suite.advance_clock(tenant, timedelta(days=3)))
    (found,) = await held(later)
    assert found["age_seconds"] >= 3 * 86_400
    path = f"/v1/posting-exceptions/{found['id']}"

    unreasoned = await later.post(f"{path}/discard", json={})
    discarded = await later.post(f"{path}/discard", json={"reason": "test order"})

    assert unreasoned.status_code == 422
    assert (discarded.status_code, discarded.json()["state"]) == (200, "discarded")
    assert await held(later) == []
    assert [x["id"] for x in await held(later, "discarded")] == [found["id"]]
    assert (await later.get(f"{path}/timeline")).json()["items"][0]["why"] == "test order"
    assert (await later.post(f"{path}/retry")).json()["code"] == "illegal_transition"


async def test_discarding_needs_approval_rights(
    suite: Suite, tenant: TenantFacts, stranger: TenantFacts, billing: httpx.AsyncClient
):
    await delivered(suite, tenant, shipment(gross=Money(1, "GBP")))
    path = f"/v1/posting-exceptions/{(await held(billing))[0]['id']}"
    clerk = suite.client("billing", tenant, scopes={"billing:read", "billing:write"})

    assert (await clerk.post(f"{path}/discard", json={"reason": "x"})).status_code == 403
    assert (await suite.client("billing", stranger).get(path)).status_code == 404
    assert (await billing.get(path)).json()["state"] == "open"


async def test_retried_many_times_at_once_it_is_posted_once(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    period = await close_month(billing)
    await delivered(suite, tenant, shipment())
    await reopen_month(billing, period)
    path = f"/v1/posting-exceptions/{(await held(billing))[0]['id']}"

    answers = await asyncio.gather(*(billing.post(f"{path}/retry") for _ in range(8)))

    assert sorted(a.status_code for a in answers) == [200] + [409] * 7
    assert len((await billing.get("/v1/invoices")).json()["items"]) == 1
    await assert_tied_out(suite, tenant, billing)


async def test_one_that_was_posted_meanwhile_resolves_without_a_second_invoice(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    period, shipped = await close_month(billing), shipment()
    await delivered(suite, tenant, shipped)
    await reopen_month(billing, period)
    await delivered(suite, tenant, shipped, event_id=new_id())

    resolved = await billing.post(f"/v1/posting-exceptions/{(await held(billing))[0]['id']}/retry")

    assert resolved.status_code == 200, resolved.text
    assert len((await billing.get("/v1/invoices")).json()["items"]) == 1
    await assert_tied_out(suite, tenant, billing)
