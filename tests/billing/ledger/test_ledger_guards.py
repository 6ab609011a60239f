"""What the database refuses to those who go around our code: plain SQL as the app role, and as the owner."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from services.billing.ledger import actions
from services.billing.ledger.rules import AlreadyPosted, Entry, OpenItem, Posting
from shared.context.batch import Batch
from shared.context.ctx import TenantFacts
from tests.billing.ledger.books import (
    BANK,
    DAY,
    NO_DOCUMENTS,
    RECEIVABLE,
    RETAINED,
    SALES,
    assert_ties_out,
    gbp,
    given_ctx,
    given_document,
    given_entry,
    given_period,
    open_of,
    plain_sql,
    trial_balance,
)
from tests.kit.suite import Suite

INSERT = """
with e as (
  insert into journal_entries (tenant_id, id, effective_on, memo, source, line_count, reverses_id, actor_id)
  values ($1, $2, $3, 'attack', 'sql', $4, $9, 'x')
)
insert into postings (tenant_id, entry_id, line, account, amount_minor, currency, open_item_id)
select $1, $2, n, a, m, c, i from unnest($5::text[], $6::bigint[], $7::text[], $8::uuid[])
  with ordinality as l(a, m, c, i, n)
"""
Line = tuple[str, int, str, UUID | None]


async def attack(
    sql: asyncpg.Connection,
    tenant: TenantFacts,
    lines: Sequence[Line],
    *,
    on: date = DAY,
    count: int | None = None,
    reverses: UUID | None = None,
) -> None:
    """Insert an entry with the app role's rights."""
    await sql.execute(
        INSERT, tenant.id, uuid4(), on, len(lines) if count is None else count,
        [line[0] for line in lines], [line[1] for line in lines], [line[2] for line in lines],
        [line[3] for line in lines], reverses,
    )  # fmt: skip


GOOD: list[Line] = [(BANK, 100, "GBP", None), (SALES, -100, "GBP", None)]


async def test_a_balanced_entry_passes_so_that_the_refusals_mean_something(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await given_entry(billing)

    async with plain_sql(suite, tenant) as sql:
        await attack(sql, tenant, GOOD)

    assert await trial_balance(billing) == {BANK: "101.00", SALES: "-101.00"}


@pytest.mark.parametrize(
    ("lines", "count", "message"),
    [
        ([(BANK, 100, "GBP", None), (SALES, -99, "GBP", None)], None, "unbalanced_entry"),
        ([(BANK, 100, "GBP", None), (SALES, -100, "EUR", None)], None, "unbalanced_entry"),
        (GOOD, 3, "unbalanced_entry"),
        ([], 2, "unbalanced_entry"),
        ([(BANK, 100, "GBP", None), ("9999", -100, "GBP", None)], None, "unknown_account"),
        ([(RECEIVABLE, 100, "GBP", None), (SALES, -100, "GBP", None)], None, "control_account"),
        ([("2000", 100, "GBP", None), (SALES, -100, "GBP", None)], None, "control_account"),
    ],
)
async def test_a_wrong_entry_is_refused(
    suite: Suite,
    tenant: TenantFacts,
    billing: httpx.AsyncClient,
    lines: list[Line],
    count: int | None,
    message: str,
):
    await given_entry(billing)

    with pytest.raises(asyncpg.PostgresError) as refused:
        async with plain_sql(suite, tenant) as sql:
            await attack(sql, tenant, lines, count=count)

    assert (refused.value.sqlstate, refused.value.message) == ("BO001", message)
    assert await trial_balance(billing) == {BANK: "100.00", SALES: "-100.00"}


@pytest.mark.parametrize(
    ("lines", "count"),
    [
        ([(BANK, 100, "GBP", None), (SALES, -100, "GBP", None), (SALES, 0, "GBP", None)], None),
        ([(BANK, 9_000_000_000_000_001, "GBP", None), (SALES, -9_000_000_000_000_001, "GBP", None)], None),
        ([(BANK, 100, "GBP", None)], None),
        ([], 0),
    ],
)
async def test_nothing_too_much_and_too_few_lines_fail_a_check(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, lines: list[Line], count: int | None
):
    await given_entry(billing)

    with pytest.raises(asyncpg.CheckViolationError):
        async with plain_sql(suite, tenant) as sql:
            await attack(sql, tenant, lines, count=count)


async def test_a_line_cannot_be_added_later(suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient):
    entry = await given_entry(billing)
    pair = (
        "insert into postings (tenant_id, entry_id, line, account, amount_minor, currency) "
        "values ($1, $2, 3, '1000', 5, 'GBP'), ($1, $2, 4, '4000', -5, 'GBP')"
    )

    with pytest.raises(asyncpg.PostgresError, match="unbalanced_entry"):
        async with plain_sql(suite, tenant) as sql:
            await sql.execute(pair, tenant.id, UUID(entry["id"]))
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="postings_entry_fkey"):
        async with plain_sql(suite, tenant) as sql:
            await sql.execute(pair, tenant.id, uuid4())

    assert await trial_balance(billing) == {BANK: "100.00", SALES: "-100.00"}


FORBIDDEN = [
    "update postings set amount_minor = 1",
    "delete from postings",
    "update journal_entries set memo = 'x'",
    "delete from journal_entries",
    "delete from allocations",
    "update allocations set amount_minor = 1",
    "update open_items set open_minor = 0",
    "delete from open_items",
    "update account_months set debit_minor = 0",
    "insert into account_months select tenant_id, account, month, currency, 9, 1, 1 from account_months",
    "delete from account_months",
    "update accounts set control = null",
    "update accounts set code = 'x'",
    "delete from accounts",
    "delete from periods",
    "update periods set starts_on = '1999-01-01'",
    "truncate postings",
    "alter table postings disable trigger all",
    "set role backoffice_billing_owner",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_the_app_role_may_only_add(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, statement: str
):
    await given_entry(billing)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with plain_sql(suite, tenant) as sql:
            await sql.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "update billing.postings set amount_minor = 1 where tenant_id = '{0}'",
        "delete from billing.postings where tenant_id = '{0}'",
        "update billing.journal_entries set memo = 'x' where tenant_id = '{0}'",
        "delete from billing.journal_entries where tenant_id = '{0}'",
        "truncate billing.postings",
        "update billing.accounts set type = 'equity' where tenant_id = '{0}'",
        "delete from billing.accounts where tenant_id = '{0}'",
        "delete from billing.periods where tenant_id = '{0}'",
        "update billing.periods set starts_on = '1999-01-01', ends_on = '1999-01-31' where tenant_id = '{0}'",
    ],
)
async def test_even_the_database_superuser_meets_the_triggers(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, statement: str
):
    await given_entry(billing)
    sql = await asyncpg.connect(suite.url)

    try:
        with pytest.raises(asyncpg.PostgresError) as refused:
            await sql.execute(statement.format(tenant.id))
    finally:
        await sql.close()

    assert refused.value.sqlstate == "BO001"


async def test_no_entry_is_written_for_another_tenant(
    suite: Suite, tenant: TenantFacts, stranger: TenantFacts
):
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with plain_sql(suite, tenant) as sql:
            await attack(sql, stranger, GOOD)


async def test_a_reversal_that_is_no_mirror_is_refused(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    entry = UUID((await given_entry(billing, 100))["id"])
    mirror: list[Line] = [(BANK, -100, "GBP", None), (SALES, 100, "GBP", None)]
    wrong = [
        ([(BANK, -99, "GBP", None), (SALES, 99, "GBP", None)], DAY),
        ([("1900", -100, "GBP", None), (SALES, 100, "GBP", None)], DAY),
        ([(BANK, -100, "EUR", None), (SALES, 100, "EUR", None)], DAY),
        ([*mirror, (BANK, 5, "GBP", None), (BANK, -5, "GBP", None)], DAY),
        (GOOD, DAY),
        (mirror, DAY.replace(day=1)),
    ]

    for lines, on in wrong:
        with pytest.raises(asyncpg.PostgresError, match="reversal_differs"):
            async with plain_sql(suite, tenant) as sql:
                await attack(sql, tenant, lines, on=on, reverses=entry)
    async with plain_sql(suite, tenant) as sql:
        await attack(sql, tenant, mirror, reverses=entry)
    with pytest.raises(asyncpg.UniqueViolationError):
        async with plain_sql(suite, tenant) as sql:
            await attack(sql, tenant, mirror, reverses=entry)

    assert await trial_balance(billing) == {BANK: "0.00", SALES: "0.00"}


async def test_a_closed_or_missing_period_takes_no_entry(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await given_entry(billing)
    await billing.post(f"/v1/periods/{(await given_period(billing))['id']}/close")

    for on in (DAY, date(1987, 6, 5)):
        with pytest.raises(asyncpg.PostgresError, match="period_closed"):
            async with plain_sql(suite, tenant) as sql:
                await attack(sql, tenant, GOOD, on=on)

    with pytest.raises(asyncpg.PostgresError, match="period_fixed"):
        async with plain_sql(suite, tenant) as sql:
            await sql.execute(
                "insert into periods (tenant_id, id, starts_on, ends_on, state) "
                "values ($1, $2, '1987-06-01', '1987-06-30', 'closed')",
                tenant.id,
                uuid4(),
            )


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
async def test_an_old_snapshot_does_not_see_a_closed_period_as_open(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, isolation: str
):
    await given_entry(billing)

    async with plain_sql(suite, tenant) as sql:
        await sql.execute(f"commit; begin isolation level {isolation}")
        await sql.execute("select set_config('app.tenant_id', $1, true)", str(tenant.id))
        with pytest.raises(asyncpg.FeatureNotSupportedError, match="READ COMMITTED"):
            await attack(sql, tenant, GOOD)
        await sql.execute("rollback; begin")


async def test_an_open_item_needs_a_posting_of_its_amount(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    entry = UUID((await given_entry(billing))["id"])
    item = (
        "insert into open_items (tenant_id, id, entry_id, kind, party_id, account, currency, amount_minor, "
        "open_minor, opened_on) values ($1, $2, $3, 'invoice', $2, '1100', 'GBP', 100, 100, $4)"
    )

    with pytest.raises(asyncpg.PostgresError, match="open_item_mismatch"):
        async with plain_sql(suite, tenant) as sql:
            await sql.execute(item, tenant.id, uuid4(), entry, DAY)

    await assert_ties_out(billing)


async def test_a_posting_names_an_open_item_that_exists(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await given_entry(billing)

    with pytest.raises(asyncpg.ForeignKeyViolationError, match="postings_open_item_fkey"):
        async with plain_sql(suite, tenant) as sql:
            await attack(sql, tenant, [(RECEIVABLE, 100, "GBP", uuid4()), (SALES, -100, "GBP", None)])


async def test_an_open_item_of_another_amount_than_its_posting_is_refused(suite: Suite, tenant: TenantFacts):
    item = OpenItem(uuid4(), "invoice", uuid4(), RECEIVABLE, gbp(99))

    for lines in (
        [Posting(RECEIVABLE, gbp(100), item.id), Posting(SALES, gbp(-100))],
        [Posting("2000", gbp(99), item.id), Posting(SALES, gbp(-99))],
        [Posting(BANK, gbp(99), item.id), Posting(SALES, gbp(-99))],
        [Posting(BANK, gbp(99)), Posting(SALES, gbp(-99))],
    ):
        with pytest.raises(asyncpg.PostgresError) as refused:
            async with given_ctx(suite, tenant) as ctx:
                await actions.post_entry(
                    ctx,
                    Entry(
                        postings=lines,
                        effective_on=DAY,
                        memo="x",
                        source="invoice",
                        source_id=item.id,
                        open_items=[item],
                    ),
                )
        assert refused.value.message == "open_item_mismatch"


async def test_a_posting_cannot_move_an_item_beyond_its_amount(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    item = await given_document(suite, tenant, 100)

    for minor in (1, -101):
        with pytest.raises(asyncpg.PostgresError, match="open_item_exceeded"):
            async with plain_sql(suite, tenant) as sql:
                await attack(sql, tenant, [(RECEIVABLE, minor, "GBP", item), (SALES, -minor, "GBP", None)])
    async with plain_sql(suite, tenant) as sql:
        await attack(sql, tenant, [(RECEIVABLE, -40, "GBP", item), (SALES, 40, "GBP", None)])

    assert await open_of(suite, tenant, item) == [60]
    await assert_ties_out(billing, but=NO_DOCUMENTS)


async def test_a_source_is_posted_once(suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient):
    source = uuid4()

    async def post() -> None:
        async with given_ctx(suite, tenant) as ctx:
            lines = [Posting(BANK, gbp(5)), Posting(SALES, gbp(-5))]
            await actions.post_entry(
                ctx, Entry(postings=lines, effective_on=DAY, memo="x", source="payout", source_id=source)
            )

    await post()
    with pytest.raises(AlreadyPosted):
        await post()
    with suppress(AlreadyPosted):
        await post()

    assert await trial_balance(billing) == {BANK: "0.05", SALES: "-0.05"}


async def test_entries_recorded_together_open_each_month_once_and_are_posted_all_or_none(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    def entry(on: date, source: UUID) -> Entry:
        lines = [Posting(BANK, gbp(5)), Posting(SALES, gbp(-5))]
        return Entry(id=uuid4(), postings=lines, effective_on=on, memo="x", source="payout", source_id=source)

    days, before = [date(2017, 1, 2), date(2017, 1, 30), date(2017, 2, 1)], uuid4()
    async with given_ctx(suite, tenant) as ctx:
        await actions.post_entries(Batch([(ctx, entry(day, uuid4())) for day in days]))
    async with given_ctx(suite, tenant) as ctx:
        await actions.post_entry(ctx, entry(DAY, before))
    with pytest.raises(AlreadyPosted):
        async with given_ctx(suite, tenant) as ctx:
            await actions.post_entries(Batch([(ctx, entry(DAY, uuid4())), (ctx, entry(DAY, before))]))

    assert await trial_balance(billing) == {BANK: "0.20", RETAINED: "-0.15", SALES: "-0.05"}
    async with plain_sql(suite, tenant) as sql:
        months = await sql.fetch("select starts_on from periods where starts_on < '2018-01-01' order by 1")
        emitted = await sql.fetchval("select count(*) from outbox where type like '%journal_entry.posted%'")
    assert [month["starts_on"] for month in months] == [date(2017, 1, 1), date(2017, 2, 1)]
    assert emitted == 4


async def test_many_entries_in_one_statement_hold_to_the_same_rules(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await given_entry(billing)
    ids: list[Any] = [uuid4() for _ in range(50)]
    bulk = """
        with e as (
          insert into journal_entries (tenant_id, id, effective_on, memo, source, line_count, actor_id)
          select $1, id, '2025-03-01'::date + (n % 30)::int, 'bulk', 'sql', 2, 'x'
          from unnest($2::uuid[]) with ordinality as u(id, n)
        )
        insert into postings (tenant_id, entry_id, line, account, amount_minor, currency)
        select $1, id, l, case l when 1 then '1000' else '4000' end,
          case when l = 1 then 7 when id = $3 then -8 else -7 end, 'GBP'
        from unnest($2::uuid[]) as u(id), generate_series(1, 2) as l
    """

    with pytest.raises(asyncpg.PostgresError, match="unbalanced_entry"):
        async with plain_sql(suite, tenant) as sql:
            await sql.execute(bulk, tenant.id, ids, ids[33])
    async with plain_sql(suite, tenant) as sql:
        await sql.execute(bulk, tenant.id, ids, None)

    assert await trial_balance(billing) == {BANK: "103.50", SALES: "-103.50"}
    await assert_ties_out(billing)
