"""The void of an invoice above the tenant's limit: asked for by one, done when another approves."""

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import pytest

from shared.context.ctx import Actor, TenantFacts
from shared.values.ids import new_id
from tests.billing.given import (
    assert_tied_out,
    close_month,
    events_of,
    get_invoice,
    given_invoice,
    line,
    money,
    pay,
    reopen_month,
)
from tests.kit.suite import Suite

A = "/v1/billing-approvals"
As = Callable[..., httpx.AsyncClient]


@pytest.fixture
def acting(suite: Suite, tenant: TenantFacts) -> As:
    """Callers by name."""

    def client(name: str, *scopes: str) -> httpx.AsyncClient:
        return suite.client("billing", tenant, actor=Actor(name), scopes=set(scopes) or None)

    return client


async def given_limit(billing: httpx.AsyncClient, amount: str | None, currency: str = "GBP") -> None:
    """Voids above an amount need approval; None: none does."""
    now = (await billing.get("/v1/invoice-settings")).json()
    body = {"void_approval_limit": None if amount is None else money(amount, currency)}
    answer = await billing.patch("/v1/invoice-settings", json=body, headers={"if-match": str(now["version"])})
    assert answer.status_code == 200, answer.text


async def void(client: httpx.AsyncClient, invoice: dict[str, Any], **facts: Any) -> httpx.Response:
    return await client.post(f"/v1/invoices/{invoice['id']}/void", **facts)


async def given_asked(acting: As, price: str = "100.00") -> tuple[dict[str, Any], dict[str, Any]]:
    """An invoice of 20 % more than a price, and the approval of its void that ann asked for."""
    await given_limit(acting("chief"), "50.00")
    invoice = await given_invoice(acting("clerk"), line(price))
    answer = await void(acting("ann"), invoice, json={"reason": "wrong customer"})
    assert answer.status_code == 202, answer.text
    return invoice, answer.json()


async def approve(client: httpx.AsyncClient, asked: dict[str, Any]) -> tuple[int, str]:
    answer = await client.post(f"{A}/{asked['id']}/approve")
    return answer.status_code, answer.json().get("code", answer.json().get("state"))


async def test_without_a_limit_and_up_to_it_an_invoice_is_voided_at_once(acting: As):
    ann = acting("ann")
    assert (await ann.get("/v1/invoice-settings")).json()["void_approval_limit"] is None
    assert (await void(ann, await given_invoice(ann, line("1000000.00")))).json()["state"] == "voided"

    await given_limit(acting("chief"), "120.00")

    at_the_limit = await void(ann, await given_invoice(ann, line("100.00")))
    above = await void(ann, await given_invoice(ann, line("100.01")))
    assert (at_the_limit.status_code, at_the_limit.json()["state"]) == (200, "voided")
    assert above.status_code == 202
    await given_limit(acting("chief"), None)
    assert (await void(ann, await given_invoice(ann, line("100.01")))).status_code == 200


async def test_another_currency_than_the_limits_needs_approval(acting: As):
    await given_limit(acting("chief"), "1000.00", "GBP")
    invoice = await given_invoice(acting("ann"), line("1.00", currency="USD"), currency="USD")

    assert (await void(acting("ann"), invoice)).status_code == 202


async def test_above_the_limit_it_is_voided_by_the_approval_of_another(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, acting: As
):
    invoice, asked = await given_asked(acting)

    assert (asked["kind"], asked["subject_id"], asked["state"]) == ("invoice.void", invoice["id"], "pending")
    assert (asked["amount"], asked["facts"]["gross"]) == (money("120.00"), money("120.00"))
    assert (asked["subject"], asked["command"]) == (
        f"invoice {invoice['number']}",
        {"reason": "wrong customer"},
    )
    assert (await get_invoice(billing, invoice["id"]))["state"] == "finalized"
    assert await events_of(suite, tenant, "billing.invoice.voided.v1") == []
    assert await approve(acting("ann"), asked) == (403, "four_eyes")

    assert await approve(acting("ben", "billing:approve"), asked) == (200, "approved")

    assert (await get_invoice(billing, invoice["id"]))["state"] == "voided"
    assert len(await events_of(suite, tenant, "billing.invoice.voided.v1")) == 1
    moves = (await billing.get(f"/v1/invoices/{invoice['id']}/timeline")).json()["items"]
    assert (moves[0]["verb"], moves[0]["actor_id"], moves[0]["why"]) == ("void", "ben", "wrong customer")
    assert await approve(acting("cleo"), asked) == (409, "illegal_transition")
    assert (await void(acting("ann"), invoice)).json()["code"] == "illegal_transition"
    await assert_tied_out(suite, tenant, billing)


async def test_asking_again_gives_the_same_approval(acting: As):
    invoice, asked = await given_asked(acting)
    key = {"idempotency-key": f"k-{new_id()}"}

    again = await void(acting("ann"), invoice, json={"reason": "wrong customer"}, headers=key)
    replayed = await void(acting("ann"), invoice, json={"reason": "wrong customer"}, headers=key)

    assert again.status_code == replayed.status_code == 202
    assert again.json()["id"] == replayed.json()["id"] == asked["id"]
    assert again.headers["location"] == replayed.headers["location"] == f"{A}/{asked['id']}"
    assert len((await acting("ann").get(A)).json()["items"]) == 1


async def test_what_cannot_be_voided_is_not_asked_for(acting: As):
    ann = acting("ann")
    await given_limit(acting("chief"), "50.00")
    invoice = await given_invoice(ann, line("100.00"))
    await pay(ann, invoice, "20.00")

    refused = await void(ann, invoice)

    assert (refused.status_code, refused.json()["code"]) == (409, "invoice_settled")
    assert (await ann.get(A)).json()["items"] == []


async def test_an_invoice_that_was_paid_since_is_not_voided(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, acting: As
):
    invoice, asked = await given_asked(acting)
    await pay(billing, invoice, "20.00")

    assert await approve(acting("ben"), asked) == (409, "approval_outdated")

    assert (await get_invoice(billing, invoice["id"]))["state"] == "finalized"
    assert (await billing.get(f"{A}/{asked['id']}")).json()["decisions"] == []
    await assert_tied_out(suite, tenant, billing)


async def test_a_closed_period_refuses_the_void_and_leaves_the_approval(
    billing: httpx.AsyncClient, acting: As
):
    invoice, asked = await given_asked(acting)
    month = await close_month(billing, date.fromisoformat(invoice["issued_on"]))

    assert await approve(acting("ben"), asked) == (409, "period_closed")

    await reopen_month(billing, month)
    assert await approve(acting("ben"), asked) == (200, "approved")


async def test_approved_twice_or_paid_at_once_it_is_one_or_the_other(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, acting: As
):
    voided = 0
    for _ in range(6):
        invoice, asked = await given_asked(acting)

        first, second, paid = await asyncio.gather(
            approve(acting("ben"), asked),
            approve(acting("cleo"), asked),
            pay(billing, invoice, "120.00"),
        )

        approvals = sorted([first, second])
        if paid.status_code == 201:
            assert approvals == [(409, "approval_outdated")] * 2
        else:
            assert approvals == [(200, "approved"), (409, "illegal_transition")], (approvals, paid.text)
            assert paid.status_code == 409
            voided += 1
        state = (await get_invoice(billing, invoice["id"]))["state"]
        assert state == ("finalized" if paid.status_code == 201 else "voided")
    assert len(await events_of(suite, tenant, "billing.invoice.voided.v1")) == voided
    await assert_tied_out(suite, tenant, billing)


async def test_the_limit_is_set_by_who_may_approve_and_is_not_negative(acting: As):
    writer = acting("ann", "billing:read", "billing:write")
    body, version = {"void_approval_limit": money("-0.01")}, {"if-match": "1"}

    refused = await writer.patch("/v1/invoice-settings", json=body, headers=version)
    negative = await acting("chief").patch("/v1/invoice-settings", json=body, headers=version)

    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    assert (negative.status_code, negative.json()["errors"][0]["pointer"]) == (422, "/void_approval_limit")


async def test_lifting_the_limit_does_not_do_what_is_pending(acting: As, billing: httpx.AsyncClient):
    invoice, asked = await given_asked(acting)

    await given_limit(acting("chief"), None)

    assert await approve(acting("ann"), asked) == (403, "four_eyes")
    assert (await get_invoice(billing, invoice["id"]))["state"] == "finalized"
    assert (await void(acting("ann"), invoice)).json()["state"] == "voided"
    assert await approve(acting("ben"), asked) == (409, "approval_outdated")
