"""What a change makes of what holds: it sets its fields from its day on, until the next one that sets the same field.

Facts hold in stretches without gaps, the last one until further notice. A stretch names the columns that a change has
`stated` for its first day; all others it inherits, and goes on inheriting when an earlier day is changed later on
(docs/adr/0046).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from shared.values.text_fields import YEARS

DAY = timedelta(days=1)
BEGINNING = date(YEARS[0], 1, 1)
"""From here on holds what is said of a person at hiring: a name has no first day."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days, both included (no `valid_to`: until further notice), on which these values hold, by column."""

    valid_from: date
    valid_to: date | None
    values: Mapping[str, Any]
    stated: frozenset[str]


@dataclass(frozen=True, slots=True)
class Days:
    """Days, both included; without `last` until further notice."""

    first: date
    last: date | None

    def common(self, other: "Days") -> "Days | None":
        """The days of both."""
        ends = [each for each in (self.last, other.last) if each is not None]
        first, last = max(self.first, other.first), min(ends, default=None)
        return None if last is not None and last < first else Days(first, last)


def changed(stretches: Sequence[Stretch], effective_on: date, values: Mapping[str, Any]) -> list[Stretch]:
    """The stretches, in their order, that are to be stated anew when values are to hold from a day on."""
    inherited, found = dict(values), []
    for each in stretches:
        if each.valid_to is not None and each.valid_to < effective_on:
            continue
        if each.valid_from <= effective_on:
            stated = each.stated if each.valid_from == effective_on else frozenset()
            found.append(
                Stretch(effective_on, each.valid_to, {**each.values, **values}, stated | values.keys())
            )
            continue
        inherited = {column: value for column, value in inherited.items() if column not in each.stated}
        if not inherited:
            break
        found.append(Stretch(each.valid_from, each.valid_to, {**each.values, **inherited}, each.stated))
    return found


def pieces(*layers: Iterable[Days]) -> list[Days]:
    """The days that each layer has, cut where a stretch of any begins or ends; in their order."""
    found = [Days(BEGINNING, None)]
    for layer in layers:
        cuts = list(layer)
        found = [both for each in found for cut in cuts if (both := each.common(cut)) is not None]
    return sorted(found, key=lambda each: each.first)
