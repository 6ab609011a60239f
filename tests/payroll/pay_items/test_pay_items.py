"""Pay items: entered by hand, made and ended by benefits, settled by runs."""

import asyncio
from datetime import date
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.payroll.packs import packs
from services.payroll.pay_items.actions import reopen_items, settle_items
from services.payroll.pay_items.queries import find_due
from shared.context.ctx import TenantFacts
from shared.context.lifecycle import IllegalTransition
from shared.contracts.hr import BenefitElected, BenefitEnded
from shared.values.ids import new_id
from tests.kit.suite import Suite
from tests.payroll.given import changed, delivered, given_item, given_payee, money, payee_of, told

ORDER = {
    "kind": "aeo_priority",
    "issued_on": "2026-02-01",
    "reference": "C1",
    "protected_earnings": money("800.00"),
}


async def test_an_item_is_made_shown_and_listed(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    payee = await given_payee(suite, tenant)

    made = await given_item(payroll, payee, description="Spring")

    assert (made["from"], made["to"], made["recurring"], made["state"]) == (
        "2026-04-01",
        None,
        False,
        "active",
    )
    assert (made["amount"], made["allowed_actions"]) == (money("100.00"), ["cancel"])
    assert (await payroll.get(f"/v1/pay-items/{made['id']}")).json() == made
    for query, expected in (
        ("kind=bonus", [made]),
        ("kind=expense", []),
        (f"payee_id={payee['id']}", [made]),
    ):
        assert (await payroll.get(f"/v1/pay-items?{query}")).json()["items"] == expected


@pytest.mark.parametrize(
    "item",
    [
        {"kind": "commission", "code": "c"},
        {"kind": "expense", "code": "travel"},
        {"kind": "deduction", "code": "gym", "treatment": "post_tax", "recurring": True, "to": "2026-12-31"},
        {"kind": "deduction", "code": "401k", "treatment": "pretax_401k", "amount": None, "percent": "5"},
        {"kind": "employer_contribution", "code": "pension", "amount": None, "percent": "3"},
        {"kind": "garnishment", "code": "court", "recurring": True, "garnishment": ORDER},
        {"kind": "garnishment", "code": "council", "amount": None,
         "garnishment": {"kind": "council_tax", "issued_on": "2026-02-01", "reference": "L2", "country": "wales"}},
    ],
)  # fmt: skip
async def test_each_kind_says_what_it_needs(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient, item: dict[str, Any]
):
    made = await given_item(payroll, await given_payee(suite, tenant), **item)

    assert {name: made[name] for name in item if name != "garnishment"} == {
        name: value for name, value in item.items() if name != "garnishment"
    }
    if "garnishment" in item:
        shown = (await payroll.get(f"/v1/pay-items/{made['id']}")).json()
        assert item["garnishment"].items() <= shown["garnishment"].items()


@pytest.mark.parametrize(
    ("item", "pointer"),
    [
        ({"amount": None}, "/amount"),
        ({"amount": money("0.00")}, "/amount"),
        ({"amount": money("-5.00")}, "/amount"),
        ({"amount": {"amount": 5.0, "currency": "GBP"}}, "/amount/amount"),
        ({"amount": None, "percent": "5"}, "/percent"),
        ({"kind": "deduction"}, "/treatment"),
        ({"kind": "deduction", "treatment": "post_tax", "percent": "5"}, "/percent"),
        ({"kind": "deduction", "treatment": "later"}, "/treatment"),
        ({"treatment": "post_tax"}, "/treatment"),
        ({"kind": "garnishment"}, "/garnishment"),
        ({"garnishment": ORDER}, "/garnishment"),
        ({"kind": "garnishment", "garnishment": ORDER | {"protected_earnings": None}},
         "/garnishment/protected_earnings"),
        ({"kind": "garnishment", "garnishment": ORDER | {"rate": "higher"}}, "/garnishment/rate"),
        ({"kind": "garnishment", "garnishment": ORDER | {"kind": "lottery"}}, "/garnishment/kind"),
        ({"kind": "garnishment", "garnishment": ORDER, "amount": None}, "/amount"),
        ({"kind": "tip"}, "/kind"),
        ({"from": "2026-04-02", "to": "2026-04-01"}, "/to"),
        ({"from": None}, "/from"),
        ({"payee_id": str(new_id())}, "/payee_id"),
        ({"amount": money("1000000000.01")}, "/amount/amount"),
        ({"amount": money("90000000000000.00")}, "/amount/amount"),
        ({"kind": "garnishment", "garnishment": ORDER | {"protected_earnings": money("1000000000.01")}},
         "/garnishment/protected_earnings/amount"),
        ({"kind": "garnishment", "garnishment": ORDER | {"arrears": money("-0.01")}}, "/garnishment/arrears/amount"),
        ({"code": "uk.income_tax"}, "/code"),
        ({"code": "US.medicare"}, "/code"),
        ({"state": "settled"}, "/state"),
    ],
)  # fmt: skip
async def test_a_wrong_item_is_refused_by_its_field(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient, item: dict[str, Any], pointer: str
):
    payee = await given_payee(suite, tenant)
    body = {
        "payee_id": payee["id"],
        "kind": "bonus",
        "code": "b",
        "from": "2026-04-01",
        "amount": money("1.00"),
    }

    refused = await payroll.post("/v1/pay-items", json=body | item)

    assert refused.status_code == 422, refused.text
    assert pointer in [each["pointer"] for each in refused.json()["errors"]]


async def test_codes_of_packs_are_reserved_and_others_are_not(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    payee = await given_payee(suite, tenant)
    body = {"payee_id": payee["id"], "kind": "bonus", "from": "2026-04-01", "amount": money("1.00")}

    for name in packs():
        refused = await payroll.post("/v1/pay-items", json=body | {"code": f"{name}.anything"})
        assert (refused.status_code, refused.json()["code"]) == (422, "reserved_code")
        assert (await given_item(payroll, payee, code=f"{name}bonus"))["code"] == f"{name}bonus"


async def test_an_item_comes_to_a_milliard_and_no_more(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    item = await given_item(payroll, await given_payee(suite, tenant), amount=money("1000000000.00"))

    refused = await change(payroll, item, amount=money("1000000000.01"))

    assert [each["code"] for each in refused.json()["errors"]] == ["amount_out_of_range"]


async def test_an_amount_is_in_the_currency_that_somebody_is_paid_in(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    payee = await given_payee(suite, tenant)
    await changed(payroll, payee, pack="uk")
    body = {"payee_id": payee["id"], "kind": "bonus", "code": "b", "from": "2026-04-01"}

    refused = await payroll.post("/v1/pay-items", json=body | {"amount": money("1.00", "USD")})

    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "currency_mismatch")


@pytest.mark.parametrize("verb", ["made", "changed"])
async def test_an_orders_amounts_are_in_the_currency_that_somebody_is_paid_in(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient, verb: str
):
    payee = await given_payee(suite, tenant)
    await changed(payroll, payee, pack="uk")
    order = ORDER | {"protected_earnings": money("800.00", "USD")}
    body = {
        "payee_id": payee["id"],
        "kind": "garnishment",
        "code": "b",
        "from": "2026-04-01",
        "amount": money("1.00"),
    }

    if verb == "made":
        refused = await payroll.post("/v1/pay-items", json=body | {"garnishment": order})
    else:
        item = await given_item(payroll, payee, **body | {"garnishment": ORDER})
        refused = await change(payroll, item, garnishment=order)

    assert [(each["pointer"], each["code"]) for each in refused.json()["errors"]] == [
        ("/garnishment/protected_earnings/currency", "currency_mismatch")
    ]


async def test_under_one_key_an_item_is_made_once(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    payee = await given_payee(suite, tenant)
    body = {
        "payee_id": payee["id"],
        "kind": "bonus",
        "code": "b",
        "from": "2026-04-01",
        "amount": money("1.00"),
    }

    answers = [
        await payroll.post("/v1/pay-items", json=body, headers={"idempotency-key": "k"}) for _ in range(2)
    ]

    assert answers[0].json() == answers[1].json()
    assert len((await payroll.get("/v1/pay-items")).json()["items"]) == 1


async def change(payroll: httpx.AsyncClient, item: dict[str, Any], **body: Any) -> httpx.Response:
    path = f"/v1/pay-items/{item['id']}"
    version = (await payroll.get(path)).json()["version"]
    return await payroll.patch(path, json=body, headers={"if-match": str(version)})


async def test_an_active_item_changes_and_a_cancelled_one_does_not(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    item = await given_item(payroll, await given_payee(suite, tenant), recurring=True)

    more = await change(payroll, item, amount=money("120.00"), to="2026-12-31", description="More")
    wrong = await change(payroll, item, **{"from": "2027-01-01"})
    cancelled = await payroll.post(f"/v1/pay-items/{item['id']}/cancel", json={"reason": "left"})
    late = await change(payroll, item, amount=money("1.00"))
    again = await payroll.post(f"/v1/pay-items/{item['id']}/cancel")

    assert (more.json()["amount"], more.json()["to"], more.json()["description"]) == (
        money("120.00"), "2026-12-31", "More",
    )  # fmt: skip
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/to")
    assert (cancelled.json()["state"], late.json()["code"]) == ("cancelled", "pay_item_over")
    assert (again.status_code, again.json()["code"]) == (409, "illegal_transition")
    timeline = (await payroll.get(f"/v1/pay-items/{item['id']}/timeline")).json()["items"]
    assert [(each["verb"], each["why"]) for each in timeline] == [("cancel", "left"), ("create", None)]


async def test_a_change_that_makes_no_item_of_the_kind_is_refused(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    item = await given_item(payroll, await given_payee(suite, tenant))

    refused = await change(payroll, item, amount=None)

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/amount")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"percent": "0", "amount": money("88.79")}, "/percent"),
        ({"percent": "5", "amount": money("88.79")}, "/percent"),
        ({"treatment": "post_tax", "amount": money("1.00")}, "/treatment"),
        ({"from": "2027-01-01", "to": "2026-01-01", "amount": money("1.00")}, "/to"),
        ({"garnishment": ORDER, "amount": money("1.00")}, "/garnishment"),
    ],
)
async def test_a_change_that_is_wrong_beside_its_amount_is_refused_and_changes_nothing(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient, body: dict[str, Any], pointer: str
):
    item = await given_item(payroll, await given_payee(suite, tenant))

    refused = await change(payroll, item, **body)

    assert refused.status_code == 422, refused.text
    assert pointer in [each["pointer"] for each in refused.json()["errors"]]
    assert (await payroll.get(f"/v1/pay-items/{item['id']}")).json() == item


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ({}, "A bonus needs an amount."),
        ({"kind": "expense"}, "An expense needs an amount."),
        ({"kind": "employer_contribution"}, "An employer contribution needs an amount or a percentage."),
        ({"percent": "5"}, "A bonus has an amount, not a percentage."),
    ],
)
async def test_a_refusal_says_what_the_kind_needs(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient, item: dict[str, Any], says: str
):
    payee = await given_payee(suite, tenant)
    body = {"payee_id": payee["id"], "kind": "bonus", "code": "b", "from": "2026-04-01"}

    refused = await payroll.post("/v1/pay-items", json=body | item)

    assert (refused.status_code, refused.json()["detail"]) == (422, says)


def elected(employment: dict[str, Any], **facts: Any) -> BenefitElected:
    terms = {"plan_code": "pension", "treatment": "net_pay_arrangement", "employee_percent": "5",
             "employer_percent": "3", "effective_on": date(2026, 2, 1), "version": 1}  # fmt: skip
    return BenefitElected(**employment, **terms | facts)


async def a_benefit(suite: Suite, tenant: TenantFacts) -> dict[str, Any]:
    event = await told(suite, tenant)
    await delivered(suite, tenant, event)
    return {"employee_id": event.employee_id, "employment_id": event.employment_id, "election_id": new_id()}


async def items_of(payroll: httpx.AsyncClient, benefit: dict[str, Any]) -> dict[str, dict[str, Any]]:
    payee = await payee_of(payroll, benefit["employment_id"])
    items = (await payroll.get(f"/v1/pay-items?payee_id={payee['id']}")).json()["items"]
    assert {each["election_id"] for each in items} <= {str(benefit["election_id"])}
    assert len({each["kind"] for each in items}) == len(items)
    return {each["kind"]: each for each in items}


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (1, 0, 1, 0), (0, 0, 1, 1)])
async def test_a_benefit_makes_and_ends_recurring_items_once_in_whatever_order(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient, order: tuple[int, ...]
):
    benefit = await a_benefit(suite, tenant)
    ended = BenefitEnded(**benefit, plan_code="pension", effective_on=date(2026, 5, 31), version=2)

    await delivered(suite, tenant, *((elected(benefit), ended)[place] for place in order))

    items = await items_of(payroll, benefit)
    assert items.keys() == {"deduction", "employer_contribution"}
    mine = items["deduction"]
    assert (mine["code"], mine["treatment"], mine["percent"], mine["recurring"]) == (
        "pension", "net_pay_arrangement", "5", True,
    )  # fmt: skip
    for each in items.values():
        assert (each["from"], each["to"], each["state"]) == ("2026-02-01", "2026-05-31", "active")
    assert items["employer_contribution"]["percent"] == "3"


async def test_new_terms_of_a_benefit_replace_the_old_ones_and_old_ones_told_late_change_nothing(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    benefit = await a_benefit(suite, tenant)
    newer = elected(benefit, version=3, employee_percent="7", employer_percent=None)
    ended = BenefitEnded(**benefit, plan_code="pension", effective_on=date(2026, 5, 31), version=2)

    await delivered(suite, tenant, elected(benefit), newer, ended, elected(benefit))

    items = await items_of(payroll, benefit)
    assert (items["deduction"]["percent"], items["deduction"]["to"]) == ("7", None)
    assert items["employer_contribution"]["state"] == "cancelled"


async def test_a_benefit_that_ends_before_it_begins_has_no_active_items_until_it_is_taken_again(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    benefit = await a_benefit(suite, tenant)
    ended = BenefitEnded(**benefit, plan_code="pension", effective_on=date(2026, 1, 31), version=2)

    await delivered(suite, tenant, elected(benefit), ended)
    none = await items_of(payroll, benefit)
    await delivered(suite, tenant, elected(benefit, version=3))
    again = await items_of(payroll, benefit)

    assert {each["state"] for each in none.values()} == {"cancelled"}
    assert {each["state"] for each in again.values()} == {"active"}


async def test_what_a_benefit_makes_is_changed_in_hr(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    benefit = await a_benefit(suite, tenant)
    await delivered(suite, tenant, elected(benefit))
    item = (await items_of(payroll, benefit))["deduction"]

    refused = await change(payroll, item, percent="1")
    kept = await payroll.post(f"/v1/pay-items/{item['id']}/cancel")

    assert [each.json()["code"] for each in (refused, kept)] == ["owned_by_hr"] * 2
    assert item["allowed_actions"] == []


async def due(suite: Suite, tenant: TenantFacts, payee: dict[str, Any], first: date, last: date) -> list[str]:
    async with suite.work("payroll", tenant) as ctx:
        found = await find_due(ctx, [UUID(payee["id"])], first=first, last=last)
    return sorted(each.code for each in found.get(UUID(payee["id"]), []))


async def test_an_item_is_due_once_or_in_each_period_of_its_days(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    payee = await given_payee(suite, tenant)
    await given_item(payroll, payee, code="once", **{"from": "2026-04-15"})
    await given_item(payroll, payee, code="short", to="2026-04-20", **{"from": "2026-04-15"})
    await given_item(
        payroll, payee, code="monthly", recurring=True, to="2026-05-01", **{"from": "2026-04-30"}
    )
    cancelled = await given_item(payroll, payee, code="cancelled")
    await payroll.post(f"/v1/pay-items/{cancelled['id']}/cancel")

    march = await due(suite, tenant, payee, date(2026, 3, 1), date(2026, 3, 31))
    april = await due(suite, tenant, payee, date(2026, 4, 1), date(2026, 4, 30))
    may = await due(suite, tenant, payee, date(2026, 5, 1), date(2026, 5, 31))
    june = await due(suite, tenant, payee, date(2026, 6, 1), date(2026, 6, 30))

    assert (march, april) == ([], ["monthly", "once", "short"])
    assert (may, june) == (["monthly", "once"], ["once"])


async def test_what_a_run_has_paid_is_due_again_only_when_the_run_is_reversed(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    payee, run_id = await given_payee(suite, tenant), new_id()
    once = await given_item(payroll, payee, code="once")
    monthly = await given_item(payroll, payee, code="monthly", recurring=True)
    ids = [UUID(once["id"]), UUID(monthly["id"])]
    days = (date(2026, 4, 1), date(2026, 4, 30))

    async with suite.work("payroll", tenant) as ctx:
        await settle_items(ctx, ids, run_id=run_id)
    settled = (await payroll.get(f"/v1/pay-items/{once['id']}")).json()
    left = await due(suite, tenant, payee, *days)
    with pytest.raises(IllegalTransition):
        async with suite.work("payroll", tenant) as ctx:
            await settle_items(ctx, ids, run_id=new_id())
    async with suite.work("payroll", tenant) as ctx:
        await reopen_items(ctx, run_id=run_id)

    assert (settled["state"], settled["settled_by"]) == ("settled", str(run_id))
    assert (left, await due(suite, tenant, payee, *days)) == (["monthly"], ["monthly", "once"])


async def test_a_cancel_and_a_run_at_once_leave_the_item_either_cancelled_or_paid(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    payee = await given_payee(suite, tenant)

    async def settle(item_id: str) -> str:
        try:
            async with suite.work("payroll", tenant) as ctx:
                await settle_items(ctx, [UUID(item_id)], run_id=new_id())
        except IllegalTransition:
            return "refused"
        return "settled"

    for _ in range(5):
        item = await given_item(payroll, payee)
        cancelled, run = await asyncio.gather(
            payroll.post(f"/v1/pay-items/{item['id']}/cancel"), settle(item["id"])
        )
        state = (await payroll.get(f"/v1/pay-items/{item['id']}")).json()["state"]
        assert (cancelled.status_code, run, state) in {
            (200, "refused", "cancelled"),
            (409, "settled", "settled"),
        }
