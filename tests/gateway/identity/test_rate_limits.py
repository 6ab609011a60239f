"""The limiter and the breaker, on a clock of our own."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.identity.rate_limits import Gcra, Limit
from gateway.upstream.breaker import Breaker


def test_a_burst_passes_and_then_the_rate_holds() -> None:
    gcra, limit = Gcra(), Limit(rate=10, burst=5)
    assert [gcra.check("k", limit, 0.0).allowed for _ in range(6)] == [True] * 5 + [False]
    refused = gcra.check("k", limit, 0.0)
    assert (refused.remaining, round(refused.retry_after, 6), round(refused.reset_after, 6)) == (0, 0.1, 0.5)
    assert gcra.check("k", limit, 0.1).allowed
    assert not gcra.check("k", limit, 0.1).allowed
    assert gcra.check("other", limit, 0.1).remaining == 4


def test_an_idle_key_is_full_again_and_no_fuller() -> None:
    gcra, limit = Gcra(), Limit(rate=10, burst=5)
    for _ in range(5):
        gcra.check("k", limit, 0.0)
    assert gcra.check("k", limit, 1000.0).remaining == 4


def test_the_fields_of_the_draft() -> None:
    gcra, limit = Gcra(), Limit.per(100, 60)
    for _ in range(50):
        decision = gcra.check("k", limit, 5.0)
    assert decision.headers(limit) == [
        (b"ratelimit-policy", b'"default";q=100;w=60'),
        (b"ratelimit", b'"default";r=50;t=30'),
    ]
    for _ in range(51):
        decision = gcra.check("k", limit, 5.0)
    assert decision.headers(limit)[1:] == [(b"ratelimit", b'"default";r=0;t=60'), (b"retry-after", b"1")]


def test_a_cost_counts_as_that_many() -> None:
    gcra, limit = Gcra(), Limit(1, 10)
    assert gcra.check("k", limit, 0.0, cost=8).remaining == 2
    assert not gcra.check("k", limit, 0.0, cost=3).allowed
    assert gcra.check("k", limit, 0.0, cost=2).allowed


def test_a_smaller_limit_or_a_clock_set_back_locks_nobody_out() -> None:
    gcra = Gcra()
    for _ in range(100):
        gcra.check("k", Limit(1, 100), 50.0)
    assert gcra.check("k", Limit(1, 2), 50.0).retry_after <= 2
    assert gcra.check("k", Limit(1, 2), 10.0).retry_after <= 2


def test_idle_keys_are_forgotten_and_memory_is_bounded() -> None:
    gcra, limit = Gcra(max_keys=50), Limit(1, 1)
    for index in range(1000):
        gcra.check(f"k{index}", limit, float(index) * 2)
        assert len(gcra) <= 3
    assert gcra.evicted_live == 0
    for index in range(1000):
        gcra.check(f"n{index}", limit, 5000.0)
    assert len(gcra) <= 50
    assert gcra.evicted_live > 0


@pytest.mark.parametrize("bad", [(0, 1, "a"), (1, 0, "a"), (1, 1, 'a"'), (1, 1, "ä"), (float("inf"), 1, "a")])
def test_policies_that_make_no_sense_are_refused(bad: tuple[float, int, str]) -> None:
    with pytest.raises(ValueError):
        Limit(*bad)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # both measure how busy the machine is
@given(
    st.lists(st.floats(0, 0.5), min_size=1, max_size=80),
    st.integers(1, 20),
    st.floats(0.5, 50),
)
def test_never_more_than_burst_plus_rate_times_time(gaps: list[float], burst: int, rate: float) -> None:
    gcra, limit, now, allowed = Gcra(), Limit(rate, burst), 0.0, 0
    for gap in gaps:
        now += gap
        decision = gcra.check("k", limit, now)
        allowed += decision.allowed
        assert allowed <= burst + rate * (now - gaps[0]) + 1e-3
        assert 0 <= decision.remaining <= burst
        if not decision.allowed:
            assert gcra.check("k", limit, now + decision.retry_after + 1e-6).allowed
            return


def test_the_breaker_opens_probes_once_and_closes() -> None:
    breaker = Breaker(threshold=3, pause=1.0)
    for now in (0.0, 0.1, 0.2):
        assert breaker.admit(now)
        breaker.failure(now)
    assert not breaker.admit(1.1)
    assert breaker.admit(1.3)
    assert not breaker.admit(1.3)
    breaker.failure(1.3)
    assert not breaker.admit(2.2)
    assert breaker.admit(2.4)
    breaker.withdrawn()
    assert breaker.admit(2.4)
    breaker.success()
    assert breaker.admit(2.4)
    assert not breaker.is_open


def test_failures_count_only_in_a_row() -> None:
    breaker = Breaker(threshold=2)
    breaker.failure(0.0)
    breaker.success()
    breaker.failure(0.0)
    assert breaker.admit(0.0)
