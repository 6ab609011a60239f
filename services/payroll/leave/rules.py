"""Rules of days away."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class DayAway:
    """A day on which somebody is away, with the hours that would have been worked, and how pay treats it.

    `leave_id` tells which days belong together; the facts of the whole leave are there for statutory pay.
    """

    payee_id: UUID
    leave_id: UUID
    day: date
    hours: Decimal
    pay_code: str
    first_day_sick: date | None
    expected_week_of_birth: date | None
    qualifying_days: tuple[int, ...]
