"""Time: UTC instants from one place, local dates by the tenant's zone, and test clocks for sandboxes.

A sandbox tenant's clock runs ahead of real time by an offset that its owner advances
(`POST /v1/sandbox/clock`); it never goes back, so due times keep their order.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

NO_OFFSET = timedelta(0)


def utc_now(offset: timedelta = NO_OFFSET) -> datetime:
    """The present instant in UTC, moved ahead by a sandbox tenant's offset."""
    return datetime.now(UTC) + offset


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name."""
    return ZoneInfo(name)


def local_date(instant: datetime, time_zone: str) -> date:
    """The calendar date on which an instant falls for people in that zone."""
    return instant.astimezone(zone(time_zone)).date()
