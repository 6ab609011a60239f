"""Which fact holds on which day: a function of the set of facts, told in any order, any number of times."""

from datetime import date, timedelta
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.payroll.payees.rules import PayeeStatus, Span, default_effective_on, status_on, stretches_of

START = date(2026, 1, 1)
DAYS = 60


@st.composite
def told(draw: st.DrawFn) -> list[Span]:
    """Facts of some weeks, no two of one version with the same beginning."""
    keys = draw(st.lists(st.tuples(st.integers(1, 6), st.integers(0, DAYS)), max_size=12, unique=True))
    found = []
    for n, (version, offset) in enumerate(keys):
        first = START + timedelta(days=offset)
        length = draw(st.none() | st.integers(0, 20))
        last = None if length is None else first + timedelta(days=length)
        found.append(Span(UUID(int=n + 1), version, first, last))
    return found


def holding(spans: list[Span], day: date) -> UUID | None:
    """The model: of the facts of a day, the one of the highest version."""
    of_day = [s for s in spans if s.first <= day and (s.last is None or day <= s.last)]
    return max(of_day, key=lambda s: (s.version, s.first)).fact_id if of_day else None


@given(told(), st.randoms())
def test_on_each_day_the_highest_version_holds_in_whatever_order_and_however_often_told(spans, random):
    again = [*spans, *(span for span in spans if random.random() < 0.4)]
    random.shuffle(again)

    found = stretches_of(dict.fromkeys(again))

    for offset in range(-2, DAYS + 30):
        day = START + timedelta(days=offset)
        of_day = [
            s.fact_id for s in found if s.valid_from <= day and (s.valid_to is None or day <= s.valid_to)
        ]
        expected = holding(spans, day)
        assert of_day == ([] if expected is None else [expected])


@given(told())
def test_stretches_are_in_order_without_overlap_and_as_long_as_can_be(spans):
    found = stretches_of(spans)

    for earlier, later in pairwise(found):
        assert earlier.valid_to is not None
        assert earlier.valid_to < later.valid_from
        assert earlier.fact_id != later.fact_id or earlier.valid_to + timedelta(days=1) < later.valid_from


@given(told(), st.permutations(range(12)))
def test_facts_taken_in_one_by_one_end_in_the_same_stretches(spans, order):
    kept: list[Span] = []
    for place in order:
        if place < len(spans):
            kept.append(spans[place])
            stretches_of(kept)

    assert stretches_of(kept) == stretches_of(spans)


def test_the_last_day_belongs_to_the_employment_and_a_cancelled_start_is_never_active():
    day, later = date(2026, 2, 27), date(2026, 2, 28)
    facts = {"hire_on": date(2026, 1, 5), "last_day": day, "start_cancelled": False}

    assert status_on(date(2026, 1, 4), **facts) is PayeeStatus.PENDING
    assert (status_on(day, **facts), status_on(later, **facts)) == (PayeeStatus.ACTIVE, PayeeStatus.ENDED)
    assert status_on(day, **facts | {"start_cancelled": True}) is PayeeStatus.CANCELLED


def test_what_was_never_known_holds_from_the_hiring_on():
    days = {"today": date(2026, 5, 1), "hire_on": date(2026, 1, 5)}

    assert default_effective_on(**days, known_before=False) == date(2026, 1, 5)
    assert default_effective_on(**days, known_before=True) == date(2026, 5, 1)
