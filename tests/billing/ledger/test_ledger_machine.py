"""A random life of a ledger beside a small model of it: posting, reversing, settling, closing, reopening.

Each run is a tenant of its own against the real database; after every step the refusals must be the model's,
and in the end every balance, every open amount and every past trial balance. It spans the end of a fiscal year.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID, uuid4

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.billing.ledger import actions, queries
from services.billing.ledger.rules import AlreadyReversed, EntryKind, OpenItem, Posting
from services.billing.ledger.rules import Entry as LedgerEntry
from shared.context.ctx import TenantFacts
from tests.billing.ledger.books import (
    BANK,
    COSTS,
    NO_DOCUMENTS,
    RECEIVABLE,
    RETAINED,
    SALES,
    assert_ties_out,
    gbp,
    given_ctx,
    open_of,
    trial_balance,
)
from tests.kit.suite import Suite

MONTHS = (date(2024, 12, 1), date(2025, 1, 1), date(2025, 2, 1), date(2025, 3, 1))
RESULT = (SALES, COSTS)
PARTY = uuid4()

amounts = st.integers(1, 5_000)
days = st.builds(lambda month, day: month.replace(day=day), st.sampled_from(MONTHS), st.integers(1, 28))
picks = st.integers(0, 1_000)
steps = st.one_of(
    st.tuples(
        st.just("post"), amounts, days, st.sampled_from([(BANK, SALES), (COSTS, BANK), (SALES, COSTS)])
    ),
    st.tuples(st.just("closing"), amounts, days, st.sampled_from([(SALES, RETAINED), (RETAINED, COSTS)])),
    st.tuples(st.just("invoice"), amounts, days),
    st.tuples(st.just("payment"), amounts, days),
    st.tuples(st.just("reverse"), picks, days),
    st.tuples(st.just("allocate"), picks, picks, amounts),
    st.tuples(st.just("close"), st.sampled_from(MONTHS), st.booleans()),
    st.tuples(st.just("reopen"), st.sampled_from(MONTHS)),
)


@dataclass
class Entry:
    """What the model knows of an entry."""

    id: UUID
    on: date
    lines: list[tuple[str, int]]
    item: UUID | None = None
    is_reversal: bool = False
    reversed: bool = False
    kind: EntryKind = "ordinary"


@dataclass
class Model:
    """The ledger as it should be."""

    entries: list[Entry] = field(default_factory=list)
    closed: set[date] = field(default_factory=set)
    amount: dict[UUID, int] = field(default_factory=dict)
    open: dict[UUID, int] = field(default_factory=dict)

    def is_closed(self, day: date) -> bool:
        """Nothing is posted to a closed month, nor before one."""
        return any(month >= day.replace(day=1) for month in self.closed)

    @property
    def months(self) -> set[date]:
        """Those that were posted to."""
        return {entry.on.replace(day=1) for entry in self.entries}

    def balances(self, until: date) -> dict[str, str]:
        sums: defaultdict[str, int] = defaultdict(int)
        for entry in self.entries:
            for account, minor in entry.lines if entry.on <= until else []:
                earlier = entry.on.year < until.year or entry.kind == "closing"
                sums[account] += 0
                sums[RETAINED if earlier and account in RESULT else account] += minor
        return {account: gbp(minor).text for account, minor in sums.items()}


class Books:
    """The steps, done to the ledger and to the model."""

    def __init__(self, suite: Suite, tenant: TenantFacts) -> None:
        self.suite = suite
        self.tenant = tenant
        self.model = Model()

    async def _post(
        self,
        lines: list[tuple[str, int]],
        on: date,
        item: OpenItem | None = None,
        kind: EntryKind = "ordinary",
    ) -> str:
        postings = [
            Posting(account, gbp(minor), item.id if item and account == RECEIVABLE else None)
            for account, minor in lines
        ]
        try:
            async with given_ctx(self.suite, self.tenant) as ctx:
                entry_id = await actions.post_entry(
                    ctx,
                    LedgerEntry(
                        postings=postings,
                        effective_on=on,
                        memo="step",
                        source="machine",
                        source_id=uuid4(),
                        open_items=[item] if item else [],
                        kind=kind,
                    ),
                )
        except asyncpg.PostgresError as error:
            return error.message
        self.model.entries.append(Entry(entry_id, on, lines, item.id if item else None, kind=kind))
        if item:
            self.model.amount[item.id] = self.model.open[item.id] = item.amount.minor
        return "done"

    async def post(self, minor: int, on: date, accounts: tuple[str, str]) -> None:
        outcome = await self._post([(accounts[0], minor), (accounts[1], -minor)], on)
        assert outcome == ("period_closed" if self.model.is_closed(on) else "done")

    async def closing(self, minor: int, on: date, accounts: tuple[str, str]) -> None:
        lines = [(accounts[0], minor), (accounts[1], -minor)]
        outcome = await self._post(lines, on, kind="closing")
        assert outcome == ("period_closed" if self.model.is_closed(on) else "done")

    async def invoice(self, minor: int, on: date) -> None:
        item = OpenItem(uuid4(), "invoice", PARTY, RECEIVABLE, gbp(minor))
        outcome = await self._post([(RECEIVABLE, minor), (SALES, -minor)], on, item)
        assert outcome == ("period_closed" if self.model.is_closed(on) else "done")

    async def payment(self, minor: int, on: date) -> None:
        item = OpenItem(uuid4(), "payment", PARTY, RECEIVABLE, gbp(-minor))
        outcome = await self._post([(RECEIVABLE, -minor), (BANK, minor)], on, item)
        assert outcome == ("period_closed" if self.model.is_closed(on) else "done")

    async def reverse(self, pick: int, on: date) -> None:
        candidates = [e for e in self.model.entries if not e.is_reversal and e.on <= on]
        if not candidates:
            return
        entry = candidates[pick % len(candidates)]
        settled = entry.item is not None and self.model.open[entry.item] != self.model.amount[entry.item]
        try:
            async with given_ctx(self.suite, self.tenant) as ctx:
                reversal = await actions.reverse_entry(ctx, entry.id, effective_on=on, memo="undo")
            outcome = "done"
        except AlreadyReversed:
            outcome = "already_reversed"
        except asyncpg.PostgresError as error:
            outcome = error.message
        if entry.reversed:
            assert outcome == "already_reversed"
        elif self.model.is_closed(on):
            assert outcome == "period_closed"
        elif settled:
            assert outcome == "open_item_exceeded"
        else:
            assert outcome == "done"
            entry.reversed = True
            lines = [(account, -minor) for account, minor in entry.lines]
            self.model.entries.append(Entry(reversal, on, lines, is_reversal=True, kind=entry.kind))
            if entry.item:
                self.model.open[entry.item] = 0

    async def allocate(self, credit: int, debit: int, minor: int) -> None:
        paid = [i for i, amount in self.model.amount.items() if amount < 0]
        owed = [i for i, amount in self.model.amount.items() if amount > 0]
        if not paid or not owed:
            return
        from_item, to_item = paid[credit % len(paid)], owed[debit % len(owed)]
        fits = minor <= -self.model.open[from_item] and minor <= self.model.open[to_item]
        try:
            async with given_ctx(self.suite, self.tenant) as ctx:
                left = await actions.allocate(ctx, from_item=from_item, to_item=to_item, amount=gbp(minor))
            outcome = "done"
        except asyncpg.PostgresError as error:
            outcome = error.message
        assert outcome == ("done" if fits else "open_item_exceeded")
        if not fits:
            return
        self.model.open[from_item] += minor
        self.model.open[to_item] -= minor
        assert [m.minor for m in left] == [self.model.open[from_item], self.model.open[to_item]]

    async def _move(self, month: date, verb: str, body: dict[str, object]) -> int:
        billing = self.suite.client("billing", self.tenant)
        day = month.isoformat()
        found = (await billing.get("/v1/periods", params={"from": day, "to": day})).json()["items"]
        if not found:
            return 404
        return (await billing.post(f"/v1/periods/{found[0]['id']}/{verb}", json=body)).status_code

    async def close(self, month: date, through: bool) -> None:
        waiting = {m for m in self.model.months - self.model.closed if m < month}
        status = await self._move(month, "close", {"through": through})
        if month in self.model.months:
            refused = month in self.model.closed or (waiting and not through)
            assert status == (409 if refused else 200)
        if status == 200:
            self.model.closed |= {month, *waiting}

    async def reopen(self, month: date) -> None:
        status = await self._move(month, "reopen", {"reason": "forgotten"})
        assert (status == 200) == (month in self.model.closed and month == max(self.model.closed))
        if status == 200:
            self.model.closed.discard(month)

    async def check(self) -> None:
        billing = self.suite.client("billing", self.tenant)
        for until in (date(2024, 12, 31), date(2025, 1, 31), date(2025, 2, 14), date(2025, 3, 31)):
            assert await trial_balance(billing, as_of=until.isoformat()) == self.model.balances(until)
        items = list(self.model.open)
        if items:
            assert await open_of(self.suite, self.tenant, *items) == [self.model.open[i] for i in items]
        async with given_ctx(self.suite, self.tenant) as ctx:
            for entry in self.model.entries[:5]:
                assert (await queries.get_entry(ctx, entry.id)).effective_on == entry.on
        await assert_ties_out(billing, but=NO_DOCUMENTS)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(life=st.lists(steps, min_size=5, max_size=30))
async def test_the_ledger_does_what_its_model_does(suite: Suite, life: list[tuple[object, ...]]):
    books = Books(suite, await suite.new_tenant())

    for verb, *facts in life:
        await getattr(books, str(verb))(*facts)

    await books.check()
