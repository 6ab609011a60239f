"""Money of one customer moves at random, beside a small model of it: nothing is lost, and the books agree.

Payments are recorded, allocated, taken back, reversed and refunded; invoices credited, written off and voided. Each
step is accepted or refused as the model says, each document shows its figures, and all sub-ledgers tie out.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.context.ctx import TenantFacts
from shared.values.ids import new_id
from shared.values.money import Money
from tests.billing.given import assert_tied_out, given_invoice, line
from tests.kit.suite import Suite

UNITS, UNIT = 10, 120  # an invoice is of ten units of 1.20 with tax
picks = st.integers(0, 99)
amounts = st.integers(1, 1500)
kinds = st.sampled_from(["cash_discount", "bank_fee", "bad_debt"])
steps = st.one_of(
    st.tuples(st.just("invoice")),
    st.tuples(st.just("pay"), picks, amounts, st.booleans()),
    st.tuples(st.just("allocate"), picks, picks, amounts),
    st.tuples(st.just("deallocate"), picks, picks, st.none() | amounts),
    st.tuples(st.just("reverse"), picks),
    st.tuples(st.just("refund"), picks, amounts),
    st.tuples(st.just("give_back"), picks),
    st.tuples(st.just("credit"), picks, st.integers(1, UNITS)),
    st.tuples(st.just("write_off"), picks, amounts, kinds),
    st.tuples(st.just("claim"), picks),
    st.tuples(st.just("void"), picks),
)


@dataclass
class Claim:
    """What the model knows of an invoice, in minor units."""

    id: str
    lines: list[dict[str, Any]]
    open: int = UNITS * UNIT
    paid: int = 0
    credited: int = 0
    written_off: int = 0
    lost: int = 0
    voided: bool = False


@dataclass
class Credit:
    """What it knows of a payment, or of a credit note and its invoice."""

    id: str
    amount: int
    own: str | None = None
    refunded: int = 0
    reversed: bool = False
    used: Counter[str] = field(default_factory=Counter)

    @property
    def left(self) -> int:
        return 0 if self.reversed else self.amount - self.refunded - self.used.total()

    @property
    def path(self) -> str:
        return f"/v1/{'payments' if self.own is None else 'credit-notes'}/{self.id}"


@dataclass
class Move:
    """A refund or write-off that may be undone."""

    id: str
    of: Any
    amount: int
    kind: str = ""
    undone: bool = False


def cash(minor: int) -> dict[str, str]:
    return {"amount": Money(minor, "GBP").text, "currency": "GBP"}


class Desk:
    """The steps, done through the API and to the model."""

    def __init__(self, suite: Suite, tenant: TenantFacts) -> None:
        self.suite, self.tenant = suite, tenant
        self.billing: httpx.AsyncClient = suite.client("billing", tenant)
        self.customer = str(new_id())
        self.claims: list[Claim] = []
        self.credits: list[Credit] = []
        self.refunds: list[Move] = []
        self.write_offs: list[Move] = []

    async def post(self, path: str, body: dict[str, Any] | None, *, fits: bool) -> dict[str, Any]:
        answer = await self.billing.post(path, json=body)
        assert (answer.status_code < 300) == fits, (path, body, answer.text)
        assert fits or answer.status_code == 409, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def invoice(self) -> None:
        made = await given_invoice(self.billing, line("1.00", quantity="10"), customer_id=self.customer)
        self.claims.append(Claim(made["id"], made["lines"]))

    async def pay(self, pick: int, minor: int, whole: bool) -> None:
        claim = self.claims[pick % len(self.claims)]
        share = min(minor, claim.open) if whole else 0
        body = {"customer_id": self.customer, "amount": cash(minor)}
        if share:
            body["allocations"] = [{"invoice_id": claim.id, "amount": cash(share)}]
        made = await self.post("/v1/payments", body, fits=True)
        self.credits.append(Credit(made["id"], minor))
        self._settle(self.credits[-1], claim, share)

    def _settle(self, credit: Credit, claim: Claim, minor: int) -> None:
        if minor:
            credit.used[claim.id] += minor
        claim.open -= minor
        claim.paid += 0 if credit.own == claim.id else minor

    async def allocate(self, pick: int, to: int, minor: int) -> None:
        if not self.credits:
            return
        credit, claim = self.credits[pick % len(self.credits)], self.claims[to % len(self.claims)]
        fits = minor <= credit.left and minor <= claim.open and not claim.voided
        body = {"allocations": [{"invoice_id": claim.id, "amount": cash(minor)}]}
        await self.post(f"{credit.path}/allocate", body, fits=fits)
        if fits:
            self._settle(credit, claim, minor)

    async def deallocate(self, pick: int, of: int, minor: int | None) -> None:
        if not self.credits:
            return
        credit, claim = self.credits[pick % len(self.credits)], self.claims[of % len(self.claims)]
        used = 0 if credit.reversed or credit.own == claim.id else credit.used[claim.id]
        taken = used if minor is None else minor
        fits = 0 < taken <= used
        asked: dict[str, Any] = {"invoice_id": claim.id} | ({"amount": cash(minor)} if minor else {})
        await self.post(f"{credit.path}/deallocate", {"allocations": [asked]}, fits=fits)
        if fits:
            credit.used[claim.id] -= taken
            claim.open += taken
            claim.paid -= taken

    async def reverse(self, pick: int) -> None:
        payments = [credit for credit in self.credits if credit.own is None]
        if not payments:
            return
        payment = payments[pick % len(payments)]
        fits = not payment.reversed and not payment.refunded
        await self.post(f"{payment.path}/reverse", {"reason": "Bounced"}, fits=fits)
        if fits:
            for claim in self.claims:
                claim.open += payment.used[claim.id]
                claim.paid -= payment.used[claim.id]
            payment.used.clear()
            payment.reversed = True

    async def refund(self, pick: int, minor: int) -> None:
        if not self.credits:
            return
        credit = self.credits[pick % len(self.credits)]
        fits = minor <= credit.left
        source = "payment_id" if credit.own is None else "credit_note_id"
        body = {source: credit.id, "amount": cash(minor), "reason": "Too much"}
        made = await self.post("/v1/refunds", body, fits=fits)
        if fits:
            credit.refunded += minor
            self.refunds.append(Move(made["id"], credit, minor))

    async def give_back(self, pick: int) -> None:
        if not self.refunds:
            return
        move = self.refunds[pick % len(self.refunds)]
        await self.post(f"/v1/refunds/{move.id}/reverse", {"reason": "Returned"}, fits=not move.undone)
        if not move.undone:
            move.undone = True
            move.of.refunded -= move.amount

    async def credit(self, pick: int, units: int) -> None:
        claim = self.claims[pick % len(self.claims)]
        gross = units * UNIT
        fits = not claim.voided and claim.credited + claim.written_off + gross <= UNITS * UNIT
        lines = [{"invoice_line_id": claim.lines[0]["id"], "quantity": units}]
        body = {"invoice_id": claim.id, "reason": "Returned", "lines": lines}
        made = await self.post("/v1/credit-notes", body, fits=fits)
        if fits:
            self.credits.append(Credit(made["id"], gross, own=claim.id))
            claim.credited += gross
            self._settle(self.credits[-1], claim, min(gross, claim.open))

    async def write_off(self, pick: int, minor: int, kind: str) -> None:
        claim = self.claims[pick % len(self.claims)]
        whole = (
            UNITS * UNIT
            - claim.credited
            - sum(
                m.amount
                for m in self.write_offs
                if m.of is claim and m.kind == "cash_discount" and not m.undone
            )
        )
        fits = minor <= claim.open and (kind != "cash_discount" or minor <= whole)
        body = {"invoice_id": claim.id, "amount": cash(minor), "kind": kind, "reason": "As agreed"}
        made = await self.post("/v1/write-offs", body, fits=fits)
        if fits:
            self.write_offs.append(Move(made["id"], claim, minor, kind))
            self._give_up(claim, minor, kind)

    def _give_up(self, claim: Claim, minor: int, kind: str) -> None:
        claim.open -= minor
        claim.written_off += minor
        claim.lost += minor if kind == "bad_debt" else 0

    async def claim(self, pick: int) -> None:
        if not self.write_offs:
            return
        move = self.write_offs[pick % len(self.write_offs)]
        await self.post(f"/v1/write-offs/{move.id}/reverse", {"reason": "Owed"}, fits=not move.undone)
        if not move.undone:
            move.undone = True
            self._give_up(move.of, -move.amount, move.kind)

    async def void(self, pick: int) -> None:
        claim = self.claims[pick % len(self.claims)]
        fits = not claim.voided and claim.open == UNITS * UNIT and not claim.credited
        assert ("void" in (await self.shown(f"/v1/invoices/{claim.id}"))["allowed_actions"]) == fits
        await self.post(f"/v1/invoices/{claim.id}/void", None, fits=fits)
        if fits:
            claim.voided, claim.open = True, 0

    async def shown(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.billing.get(path)).json()
        return found

    async def check(self) -> None:
        for claim in self.claims:
            now = await self.shown(f"/v1/invoices/{claim.id}")
            stated = [now[name] for name in ("open", "paid", "credited", "written_off")]
            assert stated == [cash(m) for m in (claim.open, claim.paid, claim.credited, claim.written_off)]
            assert now["payment_status"] == self._status(claim)
        for credit in self.credits:
            now = await self.shown(credit.path)
            assert (now["unallocated"], now["refunded"]) == (cash(credit.left), cash(credit.refunded))
        owed = sum(claim.open for claim in self.claims) - sum(credit.left for credit in self.credits)
        aging = await self.shown("/v1/reports/aging")
        assert aging["totals"]["total"] == cash(owed)
        assert (await self.shown("/v1/reports/tax"))["output_tax"]["difference"] == cash(0)
        await assert_tied_out(self.suite, self.tenant, self.billing)

    def _status(self, claim: Claim) -> str:
        if claim.voided:
            return "unpaid"
        if claim.open or claim.lost:
            return "part_paid" if claim.paid else "unpaid"
        return "paid" if claim.paid and claim.credited < UNITS * UNIT else "credited"


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(life=st.lists(steps, min_size=10, max_size=35))
async def test_money_moves_as_the_model_says_and_the_books_agree(suite: Suite, life: list[tuple[Any, ...]]):
    desk = Desk(suite, await suite.new_tenant())
    await desk.invoice()

    for verb, *facts in life:
        await getattr(desk, str(verb))(*facts)

    await desk.check()
