"""What the books refuse of payroll stays visible with a way out; what contradicts itself ends in the dead letters."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from shared.context.ctx import TenantFacts
from shared.contracts.event import Event
from shared.values.money import Money
from tests.billing.given import assert_tied_out, close_month, reopen_month
from tests.billing.wages.given import (
    PAY_DAY,
    PERIOD_END,
    approved,
    credit,
    debit,
    exceptions,
    paid,
    posting_of,
    remitted,
    reversed_run,
    told,
    trial_balance,
)
from tests.kit.suite import Suite, eventually


async def dead(billing: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Events that billing gave up on, once there are any."""

    async def listed() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await billing.get("/v1/billing-dead-letters")).json()["items"]
        return items

    return await eventually(listed)


def today() -> date:
    return datetime.now(UTC).date()


async def test_a_run_into_a_closed_month_is_an_exception_and_posted_once_that_is_open(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    period, run = await close_month(billing), approved(effective_on=today(), pay_on=today())

    event_id = await told(suite, tenant, run)
    await told(suite, tenant, run, event_id=event_id)
    await told(suite, tenant, paid(run))

    (held,) = await exceptions(billing)
    assert (held["code"], held["event"]["type"], held["event"]["id"]) == (
        "period_closed",
        "payroll.pay_run.approved.v1",
        str(event_id),
    )
    stuck = await posting_of(billing, run)
    assert (stuck["state"], stuck["received"], stuck["posting_exception_ids"]) == (
        "waiting",
        ["approved", "paid"],
        [held["id"]],
    )
    assert (stuck["number"], stuck["lines"][0]["debit"]["amount"]) == (run.number, "500.00")
    assert (await billing.get("/v1/journal-entries")).json()["items"] == []
    await assert_tied_out(suite, tenant, billing)
    path = f"/v1/posting-exceptions/{held['id']}"
    assert (await billing.post(f"{path}/retry")).json()["code"] == "still_not_postable"

    await reopen_month(billing, period)
    answers = await asyncio.gather(*(billing.post(f"{path}/retry") for _ in range(4)))

    assert sorted(a.status_code for a in answers) == [200, 409, 409, 409]
    found = await posting_of(billing, run)
    assert (found["state"], found["posting_exception_ids"]) == ("paid", [])
    assert await exceptions(billing) == []
    assert len((await billing.get("/v1/journal-entries")).json()["items"]) == 2
    await assert_tied_out(suite, tenant, billing)


async def test_what_waited_and_is_refused_then_is_an_exception_of_its_own_and_holds_up_nothing(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    period, run = await close_month(billing), approved(effective_on=today(), pay_on=today())
    await told(suite, tenant, run)
    payment_id = await told(suite, tenant, paid(run, "3350.01"))
    await told(suite, tenant, reversed_run(run))
    (held,) = await exceptions(billing)
    await reopen_month(billing, period)

    resolved = await billing.post(f"/v1/posting-exceptions/{held['id']}/retry")

    assert (resolved.status_code, resolved.json()["state"]) == (200, "resolved")
    assert (await billing.get(f"/v1/posting-exceptions/{held['id']}")).json()["state"] == "resolved"
    (of_payment,) = await exceptions(billing)
    assert (of_payment["code"], of_payment["event"]["id"]) == ("net_pay_differs", str(payment_id))
    assert of_payment["reason"] == "3350.01 GBP were paid, net pay of the run is 3350.00 GBP."
    found = await posting_of(billing, run)
    assert (found["state"], found["posting_exception_ids"]) == ("reversed", [of_payment["id"]])
    await assert_tied_out(suite, tenant, billing)


async def test_payment_and_remittance_into_a_closed_month_are_exceptions_until_it_opens(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    next_month = (today().replace(day=28) + timedelta(days=7)).replace(day=1)
    run = approved(effective_on=next_month, pay_on=today())
    await told(suite, tenant, run)
    period = await close_month(billing)
    await told(suite, tenant, paid(run))
    await told(suite, tenant, remitted(remitted_on=today()))

    held = await exceptions(billing)
    assert [(e["code"], e["event"]["type"]) for e in held] == [
        ("period_closed", "payroll.liability.remitted.v1"),
        ("period_closed", "payroll.pay_run.paid.v1"),
    ]
    await reopen_month(billing, period)
    for each in held:
        assert (await billing.post(f"/v1/posting-exceptions/{each['id']}/retry")).status_code == 200

    after = await trial_balance(billing, as_of=next_month.isoformat())
    assert (after["1000"], "2300" in after, "2310" in after) == ("-4250.00", False, False)
    assert (await posting_of(billing, run))["state"] == "paid"
    await assert_tied_out(suite, tenant, billing)


async def refused(suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, *events: Event) -> str:
    """The code of the one exception that comes of events, the books being as they are without it."""
    for event in events:
        await told(suite, tenant, event)
    (held,) = await exceptions(billing)
    await assert_tied_out(suite, tenant, billing)
    code: str = held["code"]
    return code


@pytest.mark.parametrize("amount", ["3349.99", "3350.01", "0.00"])
async def test_a_payment_of_another_amount_than_net_pay_is_an_exception(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, amount: str
):
    run = approved()

    assert await refused(suite, tenant, billing, run, paid(run, amount)) == "net_pay_differs"

    assert (await posting_of(billing, run))["state"] == "posted"
    assert (await trial_balance(billing))["2300"] == "-3350.00"


async def test_a_payment_in_another_currency_is_an_exception_whichever_comes_first(
    suite: Suite, tenant: TenantFacts, stranger: TenantFacts, billing: httpx.AsyncClient
):
    run = approved()
    payment = paid(run.model_copy(update={"currency": "EUR"}))

    for whose, events in ((tenant, (run, payment)), (stranger, (payment, run))):
        client = suite.client("billing", whose)
        assert await refused(suite, whose, client, *events) == "net_pay_differs"
        found = await posting_of(client, run)
        assert (found["currency"], found["state"]) == ("GBP", "posted")


async def test_a_reversal_of_other_lines_is_an_exception(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    run = approved()
    other = reversed_run(run, lines=[credit("wages", "5000.00"), debit("net_pay", "5000.00")])

    assert await refused(suite, tenant, billing, run, other) == "reversal_differs"

    assert (await posting_of(billing, run))["state"] == "posted"


async def test_a_reversal_before_its_run_took_effect_is_an_exception(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    run = approved()
    early = reversed_run(run, effective_on=PERIOD_END - timedelta(days=1))

    assert await refused(suite, tenant, billing, run, early) == "before_original"


@pytest.mark.parametrize(
    "other",
    [
        lambda run: run.model_copy(update={"result_hash": "other"}),
        lambda run: run.model_copy(update={"lines": [debit("wages", "1.00"), credit("net_pay", "1.00")]}),
        lambda run: run.model_copy(update={"effective_on": PAY_DAY}),
    ],
)
async def test_a_second_approval_that_says_something_else_is_an_exception(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, other: Callable[[Event], Event]
):
    run = approved()

    assert await refused(suite, tenant, billing, run, other(run)) == "pay_run_differs"

    assert (await trial_balance(billing))["6000"] == "5000.00"


async def test_a_second_payment_or_remittance_that_says_something_else_is_an_exception(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    run, liability = approved(), remitted()
    for event in (run, paid(run), liability):
        await told(suite, tenant, event)
    await told(suite, tenant, paid(run, "1.00"))
    await told(suite, tenant, liability.model_copy(update={"amount": Money.parse("1.00", "GBP")}))

    assert [e["code"] for e in await exceptions(billing)] == ["pay_run_differs"] * 2
    assert (await trial_balance(billing))["1000"] == "-4250.00"
    await assert_tied_out(suite, tenant, billing)


@pytest.mark.parametrize("day", [date(1989, 12, 31), date(2999, 1, 1)])
async def test_days_beyond_the_books_are_exceptions(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, day: date
):
    assert await refused(suite, tenant, billing, approved(effective_on=day)) == "date_out_of_range"


async def test_an_account_that_is_missing_can_be_added_and_the_run_posted(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    """As where a company was provisioned by a release that did not know the account."""
    sql = await asyncpg.connect(suite.url)
    await sql.execute("set session_replication_role = replica")
    await sql.execute("delete from billing.accounts where tenant_id = $1 and code = '2330'", tenant.id)
    await sql.close()
    run = approved()
    assert await refused(suite, tenant, billing, run) == "unknown_account"
    (held,) = await exceptions(billing)

    added = {"code": "2330", "name": "Pension scheme", "type": "liability"}
    assert (await billing.post("/v1/accounts", json=added)).status_code == 201
    assert (await billing.post(f"/v1/posting-exceptions/{held['id']}/retry")).status_code == 200

    assert (await posting_of(billing, run))["state"] == "posted"
    assert (await trial_balance(billing))["2330"] == "-150.00"


UNUSABLE = [
    pytest.param(
        lambda: approved(debit("wages", "10.00"), credit("net_pay", "9.99")),
        "come to +1 minor units of GBP",
        id="unbalanced",
    ),
    pytest.param(
        lambda: approved(debit("wages", "10.00"), credit("net_pay", "10.00", currency="EUR")),
        "Line 1 is in EUR, its run in GBP",
        id="currency",
    ),
    pytest.param(
        lambda: approved(debit("wages", "-10.00"), credit("net_pay", "-10.00")),
        "Line 0 is below nothing",
        id="negative",
    ),
    pytest.param(
        lambda: approved(
            debit("wages", "1.00").model_copy(update={"debit": None}), credit("net_pay", "0.00")
        ),
        "Line 0 is not exactly one of debit and credit",
        id="no side",
    ),
    pytest.param(
        lambda: approved(debit("wages", "1.00").model_copy(update={"credit": Money.parse("1.00", "GBP")})),
        "Line 0 is not exactly one of debit and credit",
        id="both sides",
    ),
    pytest.param(
        lambda: approved(kind="reversal"), "told as payroll.pay_run.reversed.v1", id="reversal approved"
    ),
    pytest.param(lambda: remitted("wages"), "wages is nothing that is remitted", id="remitted wages"),
    pytest.param(lambda: remitted("net_pay"), "net_pay is nothing that is remitted", id="remitted net pay"),
    pytest.param(lambda: remitted(amount="0.00"), "above nothing", id="remitted nothing"),
    pytest.param(lambda: paid(approved(), "-1.00"), "not an amount in GBP", id="paid less than nothing"),
    pytest.param(
        lambda: paid(approved(), currency="EUR"), "not an amount in EUR", id="paid in two currencies"
    ),
]


@pytest.mark.parametrize(("make", "reason"), UNUSABLE)
async def test_what_contradicts_itself_ends_in_the_dead_letters_with_the_reason(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, make: Callable[[], Event], reason: str
):
    event_id = await told(suite, tenant, make())

    (letter,) = await dead(billing)
    assert (letter["id"], letter["error"].split(":")[0]) == (str(event_id), "UnusablePayRun")
    assert reason in letter["error"]
    assert await exceptions(billing) == []
    assert (await billing.get("/v1/wage-postings")).json()["items"] == []
    assert (await billing.get("/v1/journal-entries")).json()["items"] == []


async def test_an_unknown_role_ends_in_the_dead_letters_and_is_named_by_its_place(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await told(suite, tenant, approved(), altered=lambda text: text.replace('"withholding"', '"bonus"'))

    (letter,) = await dead(billing)
    assert "lines/5/role literal_error" in letter["error"]
    assert (await billing.get("/v1/wage-postings")).json()["items"] == []


async def test_texts_that_cannot_be_stored_end_in_the_dead_letters(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    hostile = approved(debit("wages", "1.00", "a\x00b"), credit("net_pay", "1.00"))
    await told(suite, tenant, hostile)

    assert len(await dead(billing)) == 1
    assert (await billing.get("/v1/wage-postings")).json()["items"] == []


async def test_a_cost_centre_is_any_text_and_an_empty_one_is_none(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    text = "=1+1'; drop table postings; -- \u202e\U0001f4b0" * 20
    run = approved(debit("wages", "1.00", text), debit("wages", "2.00", ""), credit("net_pay", "3.00"))
    await told(suite, tenant, run)

    found = await posting_of(billing, run)
    assert [line["cost_centre"] for line in found["lines"]] == [None, text, None]
    assert found["state"] == "posted"
