"""Rules of test clocks: sandboxes only, forward only, not beyond what dates can carry."""

from datetime import datetime, timedelta

from shared.values.faults import Invalid, Refused

FURTHEST = timedelta(days=366 * 20)


class NotASandbox(Refused):
    """Only a sandbox tenant has a clock that can be advanced."""

    code = "not_a_sandbox"


class ClockGoesForward(Refused):
    """A test clock never goes back, so that due times keep their order."""

    code = "clock_goes_forward"


def require_sandbox(kind: str) -> None:
    """Refuse every kind of tenant but a sandbox."""
    if kind != "sandbox":
        raise NotASandbox("Only a sandbox tenant has a test clock.", kind=kind)


def advanced(
    offset: timedelta, real_now: datetime, *, seconds: float | None, to: datetime | None
) -> timedelta:
    """The new offset of a clock that is moved by a span or to an instant."""
    wanted = offset + timedelta(seconds=seconds) if seconds is not None else (to or real_now) - real_now
    if wanted < offset:
        raise ClockGoesForward("The test clock is already later than that.", now=real_now + offset)
    if wanted > FURTHEST:
        raise Invalid.field("/", "too_far", "A test clock runs at most twenty years ahead.")
    return wanted
