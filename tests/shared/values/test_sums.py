"""A sum is money without the bound of a document's amount, and mixes with money."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.values.money import MAX_MINOR, CurrencyMismatch, Money, MoneyOutOfRange
from shared.values.sums import Sum, sum_of

minors = st.integers(-MAX_MINOR, MAX_MINOR)


@given(st.lists(minors, max_size=20), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_amounts_add_up_exactly_however_far_they_go(amounts: list[int], currency: str):
    found = sum_of((Money(minor, currency) for minor in amounts), currency)

    assert found == Sum(sum(amounts), currency)
    assert found - found == Sum.zero(currency)
    assert pickle.loads(pickle.dumps(found)) == found


@given(minors, minors)
def test_a_sum_and_money_mix_in_either_order(one: int, other: int):
    money, wide = Money(one, "EUR"), Sum(10 * MAX_MINOR + other, "EUR")

    assert money + wide == wide + money == Sum(one + wide.minor, "EUR")
    assert money - wide == -(wide - money) == Sum(one - wide.minor, "EUR")
    assert money < wide
    assert abs(-wide) == wide


def test_a_sum_equals_money_of_the_same_amount_and_mixes_no_currencies():
    assert Money(1, "EUR") == Sum(1, "EUR")
    assert Sum(1, "EUR") == Money(1, "EUR")
    assert hash(Money(1, "EUR")) == hash(Sum(1, "EUR"))
    assert Sum(1, "EUR") != Money(1, "USD")
    assert Sum(1, "EUR") != 1
    with pytest.raises(CurrencyMismatch):
        sum_of([Money(1, "USD")], "EUR")
    with pytest.raises(TypeError):
        Sum(1.0, "EUR")  # type: ignore[arg-type]


def test_money_keeps_its_bound_beside_sums():
    with pytest.raises(MoneyOutOfRange):
        Money(MAX_MINOR, "EUR") + Money(1, "EUR")
    with pytest.raises(MoneyOutOfRange):
        Money(MAX_MINOR + 1, "EUR")
