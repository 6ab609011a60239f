"""Rules of payees: which fact of hr holds on which day, and what is dated from a day on.

hr's facts arrive in any order and perhaps twice. On each day the one with the highest version holds; of two of one
version, which hr does not make for the same day, the later beginning. So what holds is a function of the set of facts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from shared.values.faults import Invalid, Refused

DAY: Final = timedelta(days=1)
OWNED_BY_HR: Final = frozenset(
    {
        "employee_id", "employment_id", "number", "name", "kind", "hire_on", "last_day", "final_pay_on",
        "unused_leave_hours", "position", "department", "cost_centre", "work_location", "weekly_hours",
        "compensation", "bank_account", "tax_ids", "birth_date", "status",
    }
)  # fmt: skip
"""Fields of a payee that hr tells; payroll has copies, which nobody changes here."""


class PayeeStatus(StrEnum):
    """Where an employment is on a day."""

    PENDING = "pending"
    ACTIVE = "active"
    ENDED = "ended"
    CANCELLED = "cancelled"


class PackMismatch(Refused):
    """The schedule is of another country's pack than what the payee declared (409)."""

    code = "pack_mismatch"


@dataclass(frozen=True, slots=True)
class Span:
    """The days for which hr told a fact, both inclusive, without a last one until further notice."""

    fact_id: UUID
    version: int
    first: date
    last: date | None

    @property
    def rank(self) -> tuple[int, date]:
        """Of two spans of a day the higher one holds."""
        return self.version, self.first


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days in a row on which one fact holds."""

    fact_id: UUID
    fact_version: int
    valid_from: date
    valid_to: date | None


def stretches_of(facts: Iterable[Span]) -> list[Stretch]:
    """Which fact holds on which days, in order; days of which hr told nothing are in none."""
    spans = sorted(facts, key=lambda span: span.rank, reverse=True)
    starts = {span.first for span in spans} | {span.last + DAY for span in spans if span.last is not None}
    cuts: Sequence[date] = sorted(starts)
    found: list[Stretch] = []
    for place, first in enumerate(cuts):
        last = cuts[place + 1] - DAY if place + 1 < len(cuts) else None
        holding = next((s for s in spans if s.first <= first and (s.last is None or s.last >= first)), None)
        if holding is None:
            continue
        before = found[-1] if found else None
        if before and before.fact_id == holding.fact_id and before.valid_to == first - DAY:
            found[-1] = replace(before, valid_to=last)
        else:
            found.append(Stretch(holding.fact_id, holding.version, first, last))
    return found


def status_on(
    day: date, *, hire_on: date | None, last_day: date | None, start_cancelled: bool
) -> PayeeStatus:
    """Where an employment is on a day; its last day belongs to it."""
    if start_cancelled:
        return PayeeStatus.CANCELLED
    if last_day is not None and day > last_day:
        return PayeeStatus.ENDED
    return PayeeStatus.PENDING if hire_on is None or day < hire_on else PayeeStatus.ACTIVE


def default_effective_on(*, today: date, hire_on: date | None, known_before: bool) -> date:
    """From when a change holds that does not say so: what was never known before holds from the hiring on."""
    return today if known_before or hire_on is None else hire_on


def require_opening_currency(name: str, currency: str, of_pack: str) -> None:
    """Refuse an opening figure in another currency than the pack's (422)."""
    if currency != of_pack:
        raise Invalid.field(
            f"/year_to_date/{name}", "currency_mismatch", f"The pack counts in {of_pack}, not in {currency}."
        )
