"""States of employments, and the refusals of verbs on them."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from shared.context.lifecycle import Lifecycle
from shared.values import clock
from shared.values.faults import FieldError, Invalid, Refused

BEGIN, END = "employment.begin", "employment.end"
"""Due times: the first moment of the first day, and the one after the last day."""
DAY = timedelta(days=1)


class EmploymentState(StrEnum):
    """Where an employment stands."""

    PENDING = "pending"
    ACTIVE = "active"
    ON_LEAVE = "on_leave"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"
    CANCELLED = "cancelled"


PENDING, ACTIVE, ON_LEAVE = EmploymentState.PENDING, EmploymentState.ACTIVE, EmploymentState.ON_LEAVE
SUSPENDED, TERMINATED, CANCELLED = (
    EmploymentState.SUSPENDED,
    EmploymentState.TERMINATED,
    EmploymentState.CANCELLED,
)

LIFECYCLE = Lifecycle(
    "employment",
    (PENDING, "begin", ACTIVE),
    (PENDING, "cancel-start", CANCELLED),
    (PENDING, "terminate", PENDING),
    (PENDING, "cancel-termination", PENDING),
    (ACTIVE, "suspend", SUSPENDED),
    (ACTIVE, "leave", ON_LEAVE),
    (ACTIVE, "terminate", ACTIVE),
    (ACTIVE, "cancel-termination", ACTIVE),
    (ACTIVE, "end", TERMINATED),
    (ON_LEAVE, "return", ACTIVE),
    (ON_LEAVE, "suspend", SUSPENDED),
    (ON_LEAVE, "terminate", ON_LEAVE),
    (ON_LEAVE, "cancel-termination", ON_LEAVE),
    (ON_LEAVE, "end", TERMINATED),
    (SUSPENDED, "resume", ACTIVE),
    (SUSPENDED, "terminate", SUSPENDED),
    (SUSPENDED, "cancel-termination", SUSPENDED),
    (SUSPENDED, "end", TERMINATED),
    (TERMINATED, "cancel-termination", ACTIVE),
    initial=PENDING,
    internal=("begin", "leave", "return", "end"),
)
"""`terminate` states the last day; the state follows when that day is over (`end`)."""


class NothingToCancel(Refused):
    """The employment has no end that could be taken back."""

    code = "not_terminated"


class EndsBeforeItBegins(Invalid):
    """A day of the end lies before what it ends."""

    code = "ends_before_it_begins"


def require_end(hire_on: date, last_day: date, final_pay_on: date | None, access_end: date | None) -> None:
    """Refuse a last day before the first one, and a final pay or an end of access before the first day."""
    given = {"/last_day": last_day, "/final_pay_on": final_pay_on, "/access_end_at": access_end}
    errors = [
        FieldError(pointer, EndsBeforeItBegins.code, f"The employment begins on {hire_on}.")
        for pointer, day in given.items()
        if day is not None and day < hire_on
    ]
    if errors:
        raise EndsBeforeItBegins("The employment would end before it begins.", errors=errors)


def first_moment(day: date, time_zone: str) -> datetime:
    """The first moment of a local day."""
    return datetime.combine(day, time(), clock.zone(time_zone)).astimezone(UTC)


def state_by_clock(state: str, hire_on: date, last_day: date | None, today: date) -> str:
    """The state that an employment is in today, also where nobody has moved it there yet."""
    if state == CANCELLED or today < hire_on:
        return state
    if last_day is not None and last_day < today:
        return TERMINATED
    return ACTIVE if state == PENDING else state
