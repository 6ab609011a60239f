"""The ledger under concurrent work: reversals, hot accounts, and several entries in one transaction."""

import asyncio
import random
from datetime import UTC, date, datetime
from itertools import pairwise

import httpx

from services.billing.ledger import actions
from services.billing.ledger.rules import Entry, Posting
from shared.context.ctx import TenantFacts
from tests.billing.ledger.books import (
    BANK,
    DAY,
    RETAINED,
    SALES,
    assert_ties_out,
    entry_body,
    gbp,
    given_ctx,
    plain_sql,
    trial_balance,
)
from tests.kit.suite import Suite

ENTRIES = 100


async def test_a_hundred_entries_reversed_twice_at_once_are_reversed_once(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    made = await asyncio.gather(
        *(billing.post("/v1/journal-entries", json=entry_body(100 + n)) for n in range(ENTRIES))
    )
    paths = [f"/v1/journal-entries/{answer.json()['id']}/reverse" for answer in made] * 2
    random.Random(7).shuffle(paths)

    answers = await asyncio.gather(*(billing.post(path) for path in paths))

    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(409)) == (ENTRIES, ENTRIES)
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"already_reversed"}
    today = datetime.now(UTC).date().isoformat()
    undone = {
        BANK: "0.00",
        RETAINED: "-149.50",
        SALES: "149.50",
    }  # sold in a year before, taken back in this one
    assert await trial_balance(billing, as_of=today) == undone
    numbers = [a.json()["number"] for a in (*made, *answers) if a.status_code < 300]
    assert len(set(numbers)) == 2 * ENTRIES
    await assert_ties_out(billing)


async def test_transactions_of_several_entries_do_not_deadlock_on_hot_accounts(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    accounts = [BANK, SALES, "6300", "6400", "7000"]

    async def post(n: int) -> None:
        order = random.Random(n).sample(accounts, 5)
        async with given_ctx(suite, tenant) as ctx:
            for left, right in pairwise(order):
                await actions.post_entry(
                    ctx,
                    Entry(
                        postings=[Posting(left, gbp(1)), Posting(right, gbp(-1))],
                        effective_on=DAY,
                        memo="hot",
                        source="test",
                        source_id=None,
                    ),
                )

    await asyncio.gather(*(post(n) for n in range(150)))

    async with plain_sql(suite, tenant) as sql:
        assert await sql.fetchval("select count(*) from postings") == 150 * 4 * 2
        assert await sql.fetchval("select count(distinct shard) from account_months") > 1
    await trial_balance(billing)
    await assert_ties_out(billing)


async def test_a_transaction_that_fails_leaves_no_trace_in_the_totals(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    async def post(fail: bool) -> None:
        async with given_ctx(suite, tenant) as ctx:
            lines = [Posting(BANK, gbp(5)), Posting(SALES, gbp(-5))]
            await actions.post_entry(
                ctx,
                Entry(postings=lines, effective_on=date(2018, 1, 1), memo="x", source="test", source_id=None),
            )
            if fail:
                raise RuntimeError("after the posting")

    outcomes = await asyncio.gather(*(post(n % 3 == 0) for n in range(30)), return_exceptions=True)

    assert sum(isinstance(o, RuntimeError) for o in outcomes) == 10
    assert await trial_balance(billing, as_of="2018-12-31") == {BANK: "1.00", SALES: "-1.00"}
    await assert_ties_out(billing)
