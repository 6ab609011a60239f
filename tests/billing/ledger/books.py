"""What a test of the ledger begins with: entries, months and open items, and a way around Python."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx

from services.billing.ledger import actions
from services.billing.ledger.rules import Entry, OpenItem, Posting
from shared.context.ctx import Ctx, TenantFacts
from shared.values.money import Money
from tests.kit.suite import Suite

RECEIVABLE, BANK, SALES, COSTS, RETAINED = "1100", "1000", "4000", "6300", "3100"
DAY = date(2025, 3, 10)
YEAR_END = "2025-12-31"


def gbp(minor: int) -> Money:
    """Pounds, by their pence."""
    return Money(minor, "GBP")


def wire(minor: int, currency: str = "GBP") -> dict[str, str]:
    """Money as the wire has it."""
    return {"amount": Money(minor, currency).text, "currency": currency}


def entry_body(
    minor: int = 10_000,
    *,
    debit: str = BANK,
    credit: str = SALES,
    on: date = DAY,
    currency: str = "GBP",
) -> dict[str, Any]:
    """An entry of two lines, to post by hand."""
    amount = wire(minor, currency)
    return {
        "effective_on": on.isoformat(),
        "memo": "Cash sale",
        "lines": [{"account": debit, "debit": amount}, {"account": credit, "credit": amount}],
    }


async def given_entry(billing: httpx.AsyncClient, minor: int = 10_000, **facts: Any) -> dict[str, Any]:
    """An entry posted by hand."""
    answer = await billing.post("/v1/journal-entries", json=entry_body(minor, **facts))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def given_period(billing: httpx.AsyncClient, day: date = DAY) -> dict[str, Any]:
    """The month of a day, which has been posted to."""
    query = {"from": day.isoformat(), "to": day.isoformat()}
    (period,) = (await billing.get("/v1/periods", params=query)).json()["items"]
    return period


def given_ctx(suite: Suite, tenant: TenantFacts) -> AbstractAsyncContextManager[Ctx]:
    """One transaction of the billing service, to call actions that have no route of their own."""
    return suite.work("billing", tenant)


@asynccontextmanager
async def plain_sql(suite: Suite, tenant: TenantFacts) -> AsyncIterator[asyncpg.Connection]:
    """The app role's own connection: what somebody could do who goes around our code."""
    async with suite["billing"].app_db.transaction(tenant.id) as tx:
        yield tx.sql


async def given_document(
    suite: Suite,
    tenant: TenantFacts,
    minor: int,
    *,
    kind: str = "invoice",
    party_id: UUID | None = None,
    on: date = DAY,
    due_on: date | None = None,
) -> UUID:
    """A document in the books: an invoice of so much, or with a negative amount a payment or credit note."""
    item = OpenItem(uuid4(), kind, party_id or uuid4(), RECEIVABLE, gbp(minor), due_on, None)
    counter = SALES if kind != "payment" else BANK
    async with given_ctx(suite, tenant) as ctx:
        await actions.post_entry(
            ctx,
            Entry(
                postings=[Posting(RECEIVABLE, gbp(minor), item.id), Posting(counter, gbp(-minor))],
                effective_on=on,
                memo=kind,
                source=kind,
                source_id=item.id,
                open_items=[item],
            ),
        )
    return item.id


async def open_of(suite: Suite, tenant: TenantFacts, *items: UUID) -> list[int]:
    """What is open of some documents, in minor units."""
    async with plain_sql(suite, tenant) as sql:
        rows = await sql.fetch("select id, open_minor from open_items where id = any($1::uuid[])", items)
    found = {row["id"]: row["open_minor"] for row in rows}
    return [found[item] for item in items]


async def trial_balance(billing: httpx.AsyncClient, **query: str) -> dict[str, str]:
    """Balances by account, debit positive, at the end of the year of `DAY` unless said; the totals are equal."""
    answer = await billing.get("/v1/reports/trial-balance", params={"as_of": YEAR_END, **query})
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert report["total_debit"] == report["total_credit"]
    zero = {"0.00", "0"}
    return {
        row["account"]: row["debit"]["amount"]
        if row["credit"]["amount"] in zero
        else "-" + row["credit"]["amount"]
        for row in report["rows"]
    }


async def assert_ties_out(billing: httpx.AsyncClient, *, but: Sequence[str] = ()) -> None:
    """The books agree with themselves; `but` names checks that the test's shortcuts break on purpose."""
    answer = await billing.get("/v1/reports/tie-out")
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert report["checks"]
    assert [d for d in report["differences"] if d["check"] not in but] == []


NO_DOCUMENTS = ("documents_against_open_items",)
"""Open items of these tests have no invoice, payment or credit note beside them."""
