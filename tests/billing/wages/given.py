"""What a test of wages in the books begins with: events as payroll tells them, and what came of them."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx

from shared.base.telemetry import new_traceparent
from shared.bus.transport import Delivery
from shared.context.ctx import TenantFacts
from shared.contracts.event import Event, envelope
from shared.contracts.payroll import (
    LiabilityRemitted,
    PayRunApproved,
    PayRunLine,
    PayRunPaid,
    PayRunReversed,
)
from shared.values.ids import new_id
from shared.values.money import Money
from tests.kit.suite import Suite

PERIOD_END, PAY_DAY, REMITTED_ON = date(2026, 1, 31), date(2026, 2, 5), date(2026, 2, 19)
LATER = "2026-02-28"
"""A day after all of them, in the same year."""
NET = "3350.00"


def debit(role: str, amount: str, cost_centre: str | None = None, currency: str = "GBP") -> PayRunLine:
    """A line on the left."""
    return PayRunLine(role=role, cost_centre=cost_centre, debit=Money.parse(amount, currency))  # type: ignore[arg-type]


def credit(role: str, amount: str, cost_centre: str | None = None, currency: str = "GBP") -> PayRunLine:
    """A line on the right."""
    return PayRunLine(role=role, cost_centre=cost_centre, credit=Money.parse(amount, currency))  # type: ignore[arg-type]


def usual_lines(currency: str = "GBP") -> list[PayRunLine]:
    """Wages of two cost centres and one without, what is withheld of them, and net pay of 3,350.00."""
    left = [("wages", "2999.99", "sales"), ("wages", "1500.01", "it"), ("wages", "500.00", None)]
    left += [("employer_contribution", "300.00", "sales"), ("employer_contribution", "200.00", "it")]
    right = [("withholding", "900.00"), ("social", "1100.00"), ("pension", "150.00"), ("net_pay", NET)]
    return [debit(r, a, c, currency) for r, a, c in left] + [credit(r, a, None, currency) for r, a in right]


def approved(*lines: PayRunLine, currency: str = "GBP", **facts: Any) -> PayRunApproved:
    """An approved run, the usual one unless it is told what stands in it."""
    values: dict[str, Any] = {
        "run_id": new_id(),
        "number": "PR-2026-000001",
        "kind": "regular",
        "pay_on": PAY_DAY,
        "effective_on": PERIOD_END,
        "currency": currency,
        "result_hash": "c0ffee",
        "lines": list(lines) or usual_lines(currency),
    }
    return PayRunApproved(**(values | facts))


def paid(run: PayRunApproved, amount: str = NET, **facts: Any) -> PayRunPaid:
    """Its net pay left the bank on its pay day."""
    values: dict[str, Any] = {
        "run_id": run.run_id,
        "number": run.number,
        "paid_on": run.pay_on,
        "currency": run.currency,
        "amount": Money.parse(amount, run.currency),
    }
    return PayRunPaid(**(values | facts))


def reversed_run(run: PayRunApproved, **facts: Any) -> PayRunReversed:
    """It was taken back by a run of its own, as of the same day."""
    values: dict[str, Any] = {
        **run.model_dump(exclude={"lines"}),
        "run_id": new_id(),
        "number": "PR-2026-000002",
        "kind": "reversal",
        "reverses": run.run_id,
        "lines": [x.model_copy(update={"debit": x.credit, "credit": x.debit}) for x in run.lines],
    }
    return PayRunReversed(**(values | facts))


def remitted(role: str = "withholding", amount: str = "900.00", **facts: Any) -> LiabilityRemitted:
    """What was withheld was paid over."""
    values: dict[str, Any] = {
        "liability_id": new_id(),
        "role": role,
        "remitted_on": REMITTED_ON,
        "amount": Money.parse(amount, "GBP"),
    }
    return LiabilityRemitted(**(values | facts))


def ordering_key(event: Event) -> str:
    """As payroll names it: all of a run in one order, a liability in its own."""
    if isinstance(event, LiabilityRemitted):
        return f"liability:{event.liability_id}"
    return f"pay_run:{event.reverses if isinstance(event, PayRunReversed) else event.run_id}"  # type: ignore[attr-defined]


async def told(
    suite: Suite,
    tenant: TenantFacts,
    event: Event,
    *,
    event_id: UUID | None = None,
    key: str | None = None,
    altered: Callable[[str], str] = str,
) -> UUID:
    """Hand billing an event of payroll, as the transport does; returns the event's id."""
    made = envelope(
        event,
        id=event_id or new_id(),
        source="payroll",
        subject=str(new_id()),
        time=datetime.now(UTC),
        tenant_id=tenant.id,
        version=1,
        ordering_key=key or ordering_key(event),
        actor_id="test",
        causation_id=None,
        correlation_id=None,
        traceparent=new_traceparent(),
    )
    await suite["billing"].inbox.deliver(Delivery(made.ordering_key, altered(made.text), False))
    return made.id


async def posting_of(billing: httpx.AsyncClient, run: PayRunApproved) -> dict[str, Any]:
    """The run as the books have it."""
    answer = await billing.get(f"/v1/wage-postings/{run.run_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def trial_balance(
    billing: httpx.AsyncClient, *, as_of: str = LATER, currency: str = "GBP"
) -> dict[str, str]:
    """What stands on each account, debits positive; nothing where nothing stands."""
    params = {"as_of": as_of, "currency": currency}
    answer = await billing.get("/v1/reports/trial-balance", params=params)
    assert answer.status_code == 200, answer.text
    return {
        row["account"]: f"-{row['credit']['amount']}"
        if Decimal(row["credit"]["amount"])
        else row["debit"]["amount"]
        for row in answer.json()["rows"]
        if row["debit"] != row["credit"]
    }


async def entry(billing: httpx.AsyncClient, entry_id: str) -> dict[str, Any]:
    """A journal entry."""
    answer = await billing.get(f"/v1/journal-entries/{entry_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def exceptions(billing: httpx.AsyncClient, state: str = "open") -> list[dict[str, Any]]:
    """What could not be posted, newest first."""
    answer = await billing.get("/v1/posting-exceptions", params={"state": state})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found
