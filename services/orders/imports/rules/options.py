"""What can be said of the options before the file is read."""

import re
import warnings
from datetime import UTC, datetime

# Days that tell day, month, year and century apart, one of them a 29 February.
DAYS = (datetime(2024, 2, 29, 13, 45, 56, tzinfo=UTC), datetime(1998, 11, 3, 1, 2, 3, tzinfo=UTC))


def names_whole_dates(date_format: str) -> bool:
    """Whether a date written in this format (C's `strptime`) can be read again, and is that day then."""
    if "\0" in date_format:  # some Pythons end the format there
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of a day without a year: it is refused here
            return all(
                datetime.strptime(day.strftime(date_format), date_format).date() == day.date()  # noqa: DTZ007
                for day in DAYS
            )
    except (ValueError, re.error):  # no directive, or one that stands there twice
        return False
