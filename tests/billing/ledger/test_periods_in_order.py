"""Months close oldest first and reopen newest first; nothing is posted before a closed one, whoever tries."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from shared.context.ctx import TenantFacts
from tests.billing.ledger.books import (
    BANK,
    SALES,
    assert_ties_out,
    entry_body,
    given_entry,
    given_period,
    plain_sql,
    trial_balance,
)
from tests.kit.suite import Suite

JANUARY, FEBRUARY, MARCH, APRIL = (date(2025, month, 10) for month in (1, 2, 3, 4))
REASON = {"reason": "A bill came late"}


async def given_months(billing: httpx.AsyncClient, *days: date) -> list[dict[str, Any]]:
    """Months that were posted to."""
    for day in days:
        await given_entry(billing, on=day)
    return [await given_period(billing, day) for day in days]


async def closed(billing: httpx.AsyncClient, period: dict[str, Any], **body: Any) -> httpx.Response:
    return await billing.post(f"/v1/periods/{period['id']}/close", json=body)


async def reopened(billing: httpx.AsyncClient, period: dict[str, Any]) -> httpx.Response:
    return await billing.post(f"/v1/periods/{period['id']}/reopen", json=REASON)


async def states(billing: httpx.AsyncClient, *days: date) -> list[str]:
    return [(await given_period(billing, day))["state"] for day in days]


async def test_a_month_closes_when_all_before_it_are_closed(billing: httpx.AsyncClient):
    january, february = await given_months(billing, JANUARY, FEBRUARY)

    early = await closed(billing, february)
    in_order = [await closed(billing, january), await closed(billing, february)]

    assert (early.status_code, early.json()["code"]) == (409, "earlier_period_open")
    assert (early.json()["period_id"], early.json()["starts_on"]) == (january["id"], "2025-01-01")
    assert [answer.status_code for answer in in_order] == [200, 200]


async def test_a_month_closes_through_to_itself(billing: httpx.AsyncClient):
    march, january, february = await given_months(billing, MARCH, JANUARY, FEBRUARY)

    answer = await closed(billing, march, through=True)

    assert answer.status_code == 200, answer.text
    assert answer.json()["version"] == 2
    assert await states(billing, JANUARY, FEBRUARY, MARCH) == ["closed"] * 3
    (move, _) = (await billing.get(f"/v1/periods/{january['id']}/timeline")).json()["items"]
    assert (move["verb"], move["why"]) == ("close", "closed with 2025-03")
    assert (await closed(billing, february, through=True)).json()["code"] == "illegal_transition"


async def test_nothing_is_posted_before_a_closed_month_whether_it_is_there_or_not(billing: httpx.AsyncClient):
    february, _ = await given_months(billing, FEBRUARY, APRIL)
    assert (await closed(billing, february)).status_code == 200

    refused = [
        await billing.post("/v1/journal-entries", json=entry_body(on=day)) for day in (JANUARY, FEBRUARY)
    ]
    taken = await billing.post("/v1/journal-entries", json=entry_body(on=MARCH))

    assert [(a.status_code, a.json()["code"]) for a in refused] == [(409, "period_closed")] * 2
    assert "2025-01" in refused[0].json()["detail"]
    assert "2025-02" in refused[0].json()["detail"]
    assert taken.status_code == 201
    months = (await billing.get("/v1/periods", params={"to": "2025-12-31"})).json()["items"]
    assert [month["starts_on"][:7] for month in months] == ["2025-04", "2025-03", "2025-02"]


async def test_only_the_latest_closed_month_reopens(billing: httpx.AsyncClient):
    january, february = await given_months(billing, JANUARY, FEBRUARY)
    await closed(billing, february, through=True)

    early = await reopened(billing, january)
    newest_first = [await reopened(billing, february), await reopened(billing, january)]

    assert (early.status_code, early.json()["code"]) == (409, "later_period_closed")
    assert (early.json()["period_id"], early.json()["starts_on"]) == (february["id"], "2025-02-01")
    assert [answer.status_code for answer in newest_first] == [200, 200]
    assert (await billing.post("/v1/journal-entries", json=entry_body(on=JANUARY))).status_code == 201


async def test_months_before_the_opening_close_along(billing: httpx.AsyncClient):
    """Books that open in March have nothing in January that somebody would have to close first."""
    now = datetime.now(UTC).date()
    opening = now.replace(day=1)
    await billing.patch("/v1/books", json={"opened_on": opening.isoformat()}, headers={"if-match": "1"})

    answer = await closed(billing, await given_period(billing, now))

    assert answer.status_code == 200, answer.text
    assert await states(billing, now.replace(month=1, day=1)) == ["closed"]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("update periods set state = 'closed' where starts_on = '2025-02-01'", "periods_out_of_order"),
        ("update periods set state = 'open' where starts_on = '2025-01-01'", "periods_out_of_order"),
        (
            "insert into periods (tenant_id, id, starts_on, ends_on, state) "
            "values (app.tenant_id(), gen_random_uuid(), '2024-12-01', '2024-12-31', 'open')",
            "period_closed",
        ),
    ],
)
async def test_the_database_keeps_the_order(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, statement: str, message: str
):
    await given_months(billing, JANUARY, FEBRUARY)
    if "'2025-02-01'" not in statement:
        await closed(billing, await given_period(billing, FEBRUARY), through=True)

    with pytest.raises(asyncpg.PostgresError, match=message):
        async with plain_sql(suite, tenant) as sql:
            await sql.execute(statement)


async def test_a_new_year_has_no_months_before_a_closed_one(suite: Suite, tenant: TenantFacts):
    """Somebody has posted to and closed a month of a year that begins later."""
    now = datetime.now(UTC)
    tenant = await suite.advance_clock(tenant, datetime(now.year + 1, 12, 1, tzinfo=UTC) - now)
    billing, year = suite.client("billing", tenant), now.year + 2
    (february,) = await given_months(billing, date(year, 2, 1))
    assert (await closed(billing, february, through=True)).status_code == 200

    later = suite.client("billing", await suite.advance_clock(tenant, timedelta(days=40)))

    months = (await later.get("/v1/periods", params={"from": f"{year}-01-01"})).json()["items"]
    assert [month["starts_on"][5:7] for month in months] == [f"{n:02}" for n in range(12, 1, -1)]


async def test_two_closes_at_once_keep_the_order(billing: httpx.AsyncClient):
    periods = await given_months(billing, JANUARY, FEBRUARY, MARCH)

    answers = await asyncio.gather(*(closed(billing, period) for period in periods * 3))

    assert {a.status_code for a in answers} <= {200, 409}
    found = await states(billing, JANUARY, FEBRUARY, MARCH)
    assert found == sorted(found), "closed ones come before open ones"
    assert sum(a.status_code == 200 for a in answers) == found.count("closed")


async def test_a_close_waits_for_a_posting_to_a_month_that_is_not_there_yet(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    """A posting opens January while March closes: it is in the books that closed, or it is refused."""
    (march,) = await given_months(billing, MARCH)
    post = (
        "with p as (insert into periods (tenant_id, id, starts_on, ends_on, state) "
        "values ($1, $2, '2025-01-01', '2025-01-31', 'open')), "
        "e as (insert into journal_entries (tenant_id, id, effective_on, memo, source, line_count, actor_id) "
        "values ($1, $2, '2025-01-10', 'slow', 'sql', 2, 'x')) "
        "insert into postings (tenant_id, entry_id, line, account, amount_minor, currency) "
        "values ($1, $2, 1, '1000', 700, 'GBP'), ($1, $2, 2, '4000', -700, 'GBP')"
    )

    async with plain_sql(suite, tenant) as sql:
        await sql.execute(post, tenant.id, uuid4())
        closing = asyncio.create_task(closed(billing, march))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(closing), 0.2)

    answer = await closing
    assert (answer.status_code, answer.json()["code"]) == (409, "earlier_period_open")
    assert (await closed(billing, march, through=True)).status_code == 200
    assert await trial_balance(billing) == {BANK: "107.00", SALES: "-107.00"}


async def test_posting_to_early_months_and_closing_a_late_one_at_once(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    march, *_ = await given_months(billing, MARCH)

    async def post(n: int) -> int:
        day = date(2024 if n % 2 else 2025, 1 + n % 3, 10)
        return (await billing.post("/v1/journal-entries", json=entry_body(100, on=day))).status_code

    posting = [asyncio.create_task(post(n)) for n in range(30)]
    closing = [asyncio.create_task(closed(billing, march, through=True)) for _ in range(2)]
    statuses = await asyncio.gather(*posting)
    outcomes = [answer.status_code for answer in await asyncio.gather(*closing)]

    assert sorted(outcomes) == [200, 409]
    assert set(statuses) <= {201, 409}
    async with plain_sql(suite, tenant) as sql:
        late = await sql.fetchval(
            "select count(*) from periods where state = 'open' and starts_on < '2025-04-01'"
        )
        recorded = await sql.fetchval("select count(*) from journal_entries")
    assert (late, recorded) == (0, 1 + statuses.count(201))
    assert (await billing.post("/v1/journal-entries", json=entry_body(on=JANUARY))).status_code == 409
    await assert_ties_out(billing)
