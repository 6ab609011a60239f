"""Write-offs through the API: the account, the tax, the report of tax, and the way back."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.context.ctx import TenantFacts
from tests.billing.given import (
    assert_tied_out,
    balances,
    events_of,
    get_invoice,
    given_invoice,
    given_payment,
    line,
    money,
)
from tests.kit.suite import Suite


async def write_off(
    billing: httpx.AsyncClient, invoice: dict[str, Any], amount: str, kind: str, **facts: Any
) -> httpx.Response:
    body = {"invoice_id": invoice["id"], "amount": money(amount, invoice["currency"]), "kind": kind}
    return await billing.post("/v1/write-offs", json=body | {"reason": "As agreed"} | facts)


async def written_off(
    billing: httpx.AsyncClient, invoice: dict[str, Any], amount: str, kind: str, **facts: Any
) -> dict[str, Any]:
    answer = await write_off(billing, invoice, amount, kind, **facts)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def tax_rows(billing: httpx.AsyncClient, **query: str) -> dict[str, dict[str, Any]]:
    report = (await billing.get("/v1/reports/tax", params=query)).json()
    assert report["output_tax"]["difference"]["amount"].strip("0") in (".", "")
    return {row["tax_code"]: row for row in report["rows"]}


async def test_a_cash_discount_takes_base_and_tax_of_each_rate(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(
        billing, line("100.00"), line("50.00", tax_code="reduced"), line("27.50", tax_code="zero")
    )
    assert invoice["totals"]["gross"] == money("200.00")
    await given_payment(billing, invoice, "194.00")

    made = await written_off(billing, invoice, "6.00", "cash_discount")

    assert made["tax"] == money("0.68")
    assert [(r["tax_code"], r["base"]["amount"], r["tax"]["amount"]) for r in made["tax_breakdown"]] == [
        ("standard", "3.00", "0.60"),
        ("reduced", "1.50", "0.08"),
        ("zero", "0.82", "0.00"),
    ]
    now = await get_invoice(billing, invoice["id"])
    assert (now["payment_status"], now["open"], now["paid"], now["written_off"]) == (
        "paid",
        money("0.00"),
        money("194.00"),
        money("6.00"),
    )
    stands = await balances(billing)
    assert [str(stands[a]) for a in ("1000", "4000", "4800", "2200")] == [
        "194.00",
        "-177.50",
        "5.32",
        "-21.82",
    ]
    rows = await tax_rows(billing)
    assert (rows["standard"]["discount_base"], rows["standard"]["discount_tax"]) == (
        money("3.00"),
        money("0.60"),
    )
    assert (rows["standard"]["base"], rows["standard"]["tax"]) == (money("97.00"), money("19.40"))
    assert rows["zero"]["base"] == money("26.68")
    (fact,) = await events_of(suite, tenant, "billing.write_off.recorded.v1")
    assert (fact["kind"], fact["tax"], fact["allocations"][0]["payment_status"]) == (
        "cash_discount",
        money("0.68"),
        "paid",
    )
    assert len(await events_of(suite, tenant, "billing.invoice.paid.v1")) == 1
    await assert_tied_out(suite, tenant, billing)


@pytest.mark.parametrize(
    ("kind", "account"), [("bank_fee", "6400"), ("rounding", "4900"), ("bad_debt", "6500")]
)
async def test_what_corrects_no_tax_is_borne_by_its_account_as_a_whole(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, kind: str, account: str
):
    invoice = await given_invoice(billing)
    await given_payment(billing, invoice, "11.50")

    made = await written_off(billing, invoice, "0.50", kind)

    assert (made["tax"], made["tax_breakdown"]) == (money("0.00"), [])
    stands = await balances(billing)
    assert (str(stands[account]), str(stands["2200"])) == ("0.50", "-2.00")
    now = await get_invoice(billing, invoice["id"])
    assert now["payment_status"] == ("part_paid" if kind == "bad_debt" else "paid")
    (entry,) = (await billing.get(f"/v1/journal-entries?source={kind}")).json()["items"]
    assert invoice["number"] in entry["memo"]
    timeline = (await billing.get(f"/v1/write-offs/{made['id']}/timeline")).json()["items"]
    assert [(m["verb"], m["why"]) for m in timeline] == [("create", "As agreed")]
    of_invoice = (await billing.get(f"/v1/invoices/{invoice['id']}/timeline")).json()["items"]
    assert of_invoice[0]["verb"] == "write_off"
    assert of_invoice[0]["why"].endswith(": As agreed")
    await assert_tied_out(suite, tenant, billing)


async def test_rounding_differences_of_an_invoice_are_small_together(billing: httpx.AsyncClient):
    invoice = await given_invoice(billing)
    first = await written_off(billing, invoice, "0.60", "rounding")

    refused = await write_off(billing, invoice, "0.41", "rounding")
    assert (refused.status_code, refused.json()["code"]) == (422, "rounding_too_large")

    await billing.post(f"/v1/write-offs/{first['id']}/reverse", json={"reason": "Mistaken"})
    await written_off(billing, invoice, "1.00", "rounding")


@pytest.mark.parametrize(("country", "corrected"), [("GB", False), ("DE", True), ("FR", False)])
async def test_a_bad_debt_follows_the_rule_of_the_country(suite: Suite, country: str, corrected: bool):
    tenant = await suite.new_tenant(country=country, time_zone="Europe/Berlin")
    billing = suite.client("billing", tenant)
    rate = {"GB": "2.00", "DE": "1.90", "FR": "2.00"}[country]
    invoice = await given_invoice(billing)

    made = await written_off(billing, invoice, invoice["totals"]["gross"]["amount"], "bad_debt")

    assert made["tax"]["amount"] == (rate if corrected else "0.00")
    assert (await get_invoice(billing, invoice["id"]))["payment_status"] == "unpaid"
    rows = await tax_rows(billing)
    assert rows["standard"]["bad_debt_base"]["amount"] == ("10.00" if corrected else "0.00")
    assert rows["standard"]["tax"]["amount"] == ("0.00" if corrected else rate)
    await assert_tied_out(suite, tenant, billing)


async def test_british_relief_comes_with_the_time_and_goes_when_the_debt_is_recovered(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing, payment_terms_days=14)
    early = await write_off(billing, invoice, "12.00", "bad_debt", correct_tax=True)
    assert (early.status_code, early.json()["code"]) == (409, "tax_relief_refused")
    plain = await written_off(billing, invoice, "12.00", "bad_debt")
    tenant = await suite.advance_clock(tenant, timedelta(days=14 + 185))
    billing = suite.client("billing", tenant)

    # Six months after the due date: given up anew, with relief.
    undo = {"reason": "Relief is due"}
    assert (await billing.post(f"/v1/write-offs/{plain['id']}/reverse", json=undo)).status_code == 200
    made = await written_off(billing, invoice, "12.00", "bad_debt")
    assert made["tax"] == money("2.00")
    days = {"from": invoice["issued_on"], "to": made["effective_on"]}
    assert (await tax_rows(billing, **days))["standard"]["bad_debt_tax"] == money("2.00")
    result = (await billing.get("/v1/reports/profit-and-loss", params=days)).json()
    assert [(r["account"], r["amount"]) for r in result["expenses"]["rows"] if r["account"] == "6500"] == [
        ("6500", money("10.00"))
    ]
    await assert_tied_out(suite, tenant, billing)

    # The customer pays after all.
    why = {"reason": "Recovered by the court"}
    answers = await asyncio.gather(
        *(billing.post(f"/v1/write-offs/{made['id']}/reverse", json=why) for _ in range(4))
    )
    assert sorted(a.status_code for a in answers) == [200, 409, 409, 409]
    now = await get_invoice(billing, invoice["id"])
    assert (now["payment_status"], now["open"], now["written_off"]) == (
        "unpaid",
        money("12.00"),
        money("0.00"),
    )
    assert now["allowed_actions"] == ["send", "void", "write_off"]
    assert (await tax_rows(billing, **days))["standard"]["tax"] == money("2.00")
    assert len(await events_of(suite, tenant, "billing.write_off.reversed.v1")) == 2
    await given_payment(billing, invoice, "12.00")
    assert (await get_invoice(billing, invoice["id"]))["payment_status"] == "paid"
    await assert_tied_out(suite, tenant, billing)


async def test_what_is_not_open_cannot_be_given_up(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing)
    await given_payment(billing, invoice, "11.50")
    day = datetime.now(UTC).date()

    answers = [
        await write_off(billing, invoice, "0.51", "bank_fee"),
        await write_off(billing, invoice | {"currency": "EUR"}, "0.50", "bank_fee"),
        await write_off(billing, invoice, "0.50", "bank_fee", correct_tax=True),
        await write_off(billing, invoice, "0.50", "charity"),
        await write_off(
            billing, invoice, "0.50", "bank_fee", effective_on=(day - timedelta(days=1)).isoformat()
        ),
        await write_off(
            billing, invoice, "0.50", "bank_fee", effective_on=(day + timedelta(days=1)).isoformat()
        ),
    ]

    assert [a.status_code for a in answers] == [409, 422, 422, 422, 422, 422]
    assert (answers[0].json()["code"], answers[0].json()["open"]) == ("over_written_off", money("0.50"))
    assert [a.json()["errors"][0]["pointer"] for a in answers[1:]] == [
        "/amount",
        "/correct_tax",
        "/kind",
        "/effective_on",
        "/effective_on",
    ]
    clerk = suite.client("billing", tenant, scopes={"billing:read", "billing:write"})
    assert (await write_off(clerk, invoice, "0.50", "bank_fee")).status_code == 403
    await assert_tied_out(suite, tenant, billing)


async def test_paying_and_giving_up_at_once_never_settle_more_than_is_open(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing)
    share = {"allocations": [{"invoice_id": invoice["id"], "amount": money("5.00")}]}
    payments = [await given_payment(billing, invoice, "5.00", of="") for _ in range(3)]

    answers = await asyncio.gather(
        *(billing.post(f"/v1/payments/{p['id']}/allocate", json=share) for p in payments),
        *(write_off(billing, invoice, "4.00", "cash_discount") for _ in range(3)),
    )

    assert {a.status_code for a in answers} <= {200, 201, 409}
    now = await get_invoice(billing, invoice["id"])
    done = 5 * sum(a.status_code == 200 for a in answers) + 4 * sum(a.status_code == 201 for a in answers)
    assert now["open"] == money(f"{12 - done}.00")
    assert done > 7
    await assert_tied_out(suite, tenant, billing)


async def test_what_was_given_up_is_not_credited_again(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing, line("10.00"), line("20.00", tax_code="reduced"))
    made = await written_off(billing, invoice, "3.00", "cash_discount")
    both = [{"invoice_line_id": x["id"], "quantity": 1} for x in invoice["lines"]]

    async def credited(*lines: dict[str, Any]) -> httpx.Response:
        body = {"invoice_id": invoice["id"], "reason": "Returned", "lines": list(lines)}
        return await billing.post("/v1/credit-notes", json=body)

    refused = [await credited(*both), await credited(both[0])]
    assert [(r.status_code, r.json()["code"]) for r in refused] == [(409, "written_off")] * 2
    await billing.post(f"/v1/write-offs/{made['id']}/reverse", json={"reason": "All came back"})
    note = await credited(both[0])
    rest = await written_off(billing, invoice, "21.00", "cash_discount")

    assert note.status_code == 201, note.text
    assert [(r["tax_code"], r["base"]["amount"]) for r in rest["tax_breakdown"]] == [("reduced", "20.00")]
    assert (await get_invoice(billing, invoice["id"]))["payment_status"] == "credited"
    rows = await tax_rows(billing)
    assert {(r["base"]["amount"], r["tax"]["amount"]) for r in rows.values()} == {("0.00", "0.00")}
    await assert_tied_out(suite, tenant, billing)


async def test_a_bounced_payment_of_a_credited_invoice_is_settled_by_its_own_credit_note(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing)
    paid = await given_payment(billing, invoice, "12.00")
    note = (
        await billing.post("/v1/credit-notes", json={"invoice_id": invoice["id"], "reason": "Returned"})
    ).json()
    await billing.post(f"/v1/payments/{paid['id']}/reverse", json={"reason": "Bounced"})
    assert (await get_invoice(billing, invoice["id"]))["payment_status"] == "unpaid"
    refused = await write_off(billing, invoice, "1.00", "cash_discount")
    assert (refused.status_code, refused.json()["code"]) == (409, "over_written_off")
    assert "Allocate the credit note" in refused.json()["detail"]

    share = {"allocations": [{"invoice_id": invoice["id"], "amount": money("12.00")}]}
    settled = await billing.post(f"/v1/credit-notes/{note['id']}/allocate", json=share)

    assert settled.status_code == 200, settled.text
    now = await get_invoice(billing, invoice["id"])
    assert (now["payment_status"], now["paid"], now["open"]) == ("credited", money("0.00"), money("0.00"))
    await assert_tied_out(suite, tenant, billing)


async def test_a_credit_note_is_taken_off_a_further_invoice_but_not_off_its_own(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    own = await given_invoice(billing)
    await given_payment(billing, own, "6.00")
    further = await given_invoice(billing, customer_id=own["customer_id"])
    note = (
        await billing.post("/v1/credit-notes", json={"invoice_id": own["id"], "reason": "Returned"})
    ).json()
    assert note["allowed_actions"] == ["allocate", "refund", "send"]
    share = {"allocations": [{"invoice_id": further["id"], "amount": money("6.00")}]}
    used = (await billing.post(f"/v1/credit-notes/{note['id']}/allocate", json=share)).json()
    assert used["allowed_actions"] == ["deallocate", "send"]

    path = f"/v1/credit-notes/{note['id']}/deallocate"
    kept = await billing.post(path, json={"allocations": [{"invoice_id": own["id"]}]})
    back = await billing.post(path, json={"allocations": [{"invoice_id": further["id"]}]})

    assert (kept.status_code, kept.json()["code"]) == (409, "own_invoice")
    assert back.json()["unallocated"] == money("6.00")
    assert (await get_invoice(billing, further["id"]))["payment_status"] == "unpaid"
    assert len(await events_of(suite, tenant, "billing.credit_note.deallocated.v1")) == 1
    await assert_tied_out(suite, tenant, billing)
