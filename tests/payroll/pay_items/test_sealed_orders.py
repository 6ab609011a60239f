"""The terms of a garnishment's order: sealed in the database, masked on the wire, in clear to the run alone."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from services.payroll.pay_items.queries import find_due
from shared.context.ctx import TenantFacts
from tests.kit.canaries import held_of, reads_of_sealed
from tests.kit.statements import statements
from tests.kit.suite import Suite
from tests.payroll.given import given_item, given_payee, money

STARS = "********"
CANARIES = ("CANARY-REF-4711", "Canary Creditor", "813.57")
ORDER = {
    "kind": "aeo_priority",
    "issued_on": "2026-02-01",
    "reference": CANARIES[0],
    "creditor": CANARIES[1],
    "protected_earnings": money(CANARIES[2]),
}


@pytest.fixture
async def database(suite: Suite) -> AsyncIterator[asyncpg.Connection]:
    sql = await asyncpg.connect(suite.url)
    yield sql
    await sql.close()


async def audited(sql: asyncpg.Connection, tenant: TenantFacts) -> list[str]:
    return await reads_of_sealed(sql, tenant, "payroll")


async def given_order(payroll: httpx.AsyncClient, payee: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return await given_item(
        payroll, payee, kind="garnishment", code="court", recurring=True, garnishment=ORDER, **facts
    )


async def test_an_order_is_masked_but_for_who_may_read_it_and_that_is_recorded(
    suite: Suite,
    tenant: TenantFacts,
    payroll: httpx.AsyncClient,
    clerk: httpx.AsyncClient,
    database: asyncpg.Connection,
):
    made = await given_order(payroll, await given_payee(suite, tenant))
    path = f"/v1/pay-items/{made['id']}"

    masked = (await clerk.get(path)).json()
    listed = [(await each.get("/v1/pay-items")).json()["items"] for each in (clerk, payroll)]
    before = await audited(database, tenant)
    full = (await payroll.get(path)).json()

    assert masked == made
    assert listed == [[made], [made]]
    assert not [each for each in CANARIES if each in str(masked)]
    assert (masked["garnishment"]["reference"], masked["garnishment"]["creditor"]) == (STARS, STARS)
    assert masked["garnishment"]["protected_earnings"] is None
    assert before == []
    assert ORDER.items() <= full["garnishment"].items()
    assert await audited(database, tenant) == [f"pay_items/{made['id']}#order_terms"]


async def test_no_table_holds_an_order_in_clear_nor_does_a_reply_that_is_told_again(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient, database: asyncpg.Connection
):
    payee = await given_payee(suite, tenant)
    body = {"payee_id": payee["id"], "kind": "garnishment", "code": "court", "from": "2026-04-01",
            "amount": money("50.00"), "garnishment": ORDER}  # fmt: skip
    keyed = {"headers": {"idempotency-key": "once"}}

    answers = [await payroll.post("/v1/pay-items", json=body, **keyed) for _ in range(2)]  # type: ignore[arg-type]
    changed = await payroll.patch(
        f"/v1/pay-items/{answers[0].json()['id']}",
        json={"garnishment": ORDER | {"creditor": "Canary Creditor 2"}},
        headers={"if-match": "1", "idempotency-key": "twice"},
    )

    assert [each.status_code for each in (*answers, changed)] == [201, 201, 200]
    assert answers[0].json() == answers[1].json()
    held = await held_of(database, tenant)
    assert answers[0].json()["id"] in held
    for text in (held, changed.text, *(each.text for each in answers)):
        assert not [each for each in CANARIES if each in text or each.encode().hex() in text]


async def test_a_change_of_the_amount_leaves_the_order_as_it_is(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    made = await given_order(payroll, await given_payee(suite, tenant))
    path = f"/v1/pay-items/{made['id']}"

    one = await payroll.patch(path, json={"amount": money("70.00")}, headers={"if-match": "1"})
    two = await payroll.patch(
        path, json={"garnishment": ORDER | {"rate": "higher"}}, headers={"if-match": "2"}
    )
    three = await payroll.patch(path, json={"garnishment": made["garnishment"]}, headers={"if-match": "2"})

    assert one.status_code == 200, one.text
    assert [each["pointer"] for each in two.json()["errors"]] == ["/garnishment/rate"]
    assert three.status_code == 422
    assert "masked_value" in {each["code"] for each in three.json()["errors"]}
    assert ORDER.items() <= (await payroll.get(path)).json()["garnishment"].items()


async def test_a_run_opens_all_orders_with_one_statement(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    payees = [await given_payee(suite, tenant, number=f"E-{n}") for n in range(3)]
    for payee in payees:
        await given_order(payroll, payee)

    ids = [UUID(each["id"]) for each in payees]
    async with statements(suite, "payroll", tenant) as seen, suite.work("payroll", tenant) as ctx:
        found = await find_due(ctx, ids, first=date(2026, 4, 1), last=date(2026, 4, 30))

    assert len([text for text in seen if "pay_items" in text]) == 1
    for payee in payees:
        (due,) = found[UUID(payee["id"])]
        assert due.garnishment is not None
        assert ORDER.items() <= due.garnishment.items()
