"""Garnishment limits of Title III: the tables of fact sheet 30, support orders, the joint cap and its priorities."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payroll.engine.inputs import Frequency
from services.payroll.packs.us.garnishment import (
    Order,
    OrderKind,
    creditor_limit,
    garnished,
    protected,
    support_limit,
)
from shared.values.faults import Invalid

SUPPORT, CREDITOR = OrderKind.SUPPORT, OrderKind.CREDITOR


def order(key: str, kind: OrderKind, amount: str | Decimal) -> Order:
    return Order(key, kind, Decimal(amount))


@pytest.mark.parametrize(
    ("frequency", "amount"),
    [
        ("weekly", "217.50"),
        ("biweekly", "435.00"),
        ("four_weekly", "870.00"),
        ("semimonthly", "471.25"),
        ("monthly", "942.50"),
        ("quarterly", "2827.50"),
        ("semiannual", "5655.00"),
        ("annual", "11310.00"),
    ],
)
def test_thirty_hours_at_the_minimum_wage_are_protected_for_each_week_of_the_period(
    frequency: str, amount: str
):
    assert protected(Frequency(frequency)) == Decimal(amount)


def test_the_protected_amount_follows_the_minimum_wage():
    assert protected(Frequency.MONTHLY, Decimal("3.80")) == Decimal("494.00")
    assert protected(Frequency.BIWEEKLY, Decimal("3.80")) == Decimal("228.00")
    assert protected(Frequency.WEEKLY, Decimal("4.25")) == Decimal("127.50")


def test_days_of_pay_are_added_up_to_the_workweek_first():
    with pytest.raises(Invalid) as refused:
        protected(Frequency.DAILY)

    assert refused.value.errors[0].pointer == "/frequency"


# Fact sheet 30: nothing up to the protected amount, then what exceeds it, from 290 a week on a quarter.
@pytest.mark.parametrize(
    ("disposable", "frequency", "limit"),
    [
        ("217.50", "weekly", "0.00"),
        ("217.51", "weekly", "0.01"),
        ("263.00", "weekly", "45.50"),
        ("289.99", "weekly", "72.49"),
        ("290.00", "weekly", "72.50"),
        ("370.00", "weekly", "92.50"),
        ("402.00", "weekly", "100.50"),
        ("580.00", "biweekly", "145.00"),
        ("440.00", "biweekly", "5.00"),
        ("628.33", "semimonthly", "157.08"),
        ("1256.66", "monthly", "314.16"),
        ("1000.00", "monthly", "57.50"),
        ("2000.00", "monthly", "500.00"),
        ("0.00", "weekly", "0.00"),
        ("-50.00", "weekly", "0.00"),
    ],
)
def test_ordinary_garnishment_takes_a_quarter_or_what_exceeds_the_protected_amount(
    disposable, frequency, limit
):
    assert creditor_limit(Decimal(disposable), Frequency(frequency)) == Decimal(limit)


@pytest.mark.parametrize(
    ("second_family", "arrears", "limit"),
    [(True, False, "500.00"), (True, True, "550.00"), (False, False, "600.00"), (False, True, "650.00")],
)
def test_support_takes_more_of_who_has_no_second_family_or_long_arrears(second_family, arrears, limit):
    found = support_limit(Decimal("1000.00"), second_family=second_family, arrears_over_12_weeks=arrears)

    assert found == Decimal(limit)
    assert support_limit(Decimal(-1), second_family=second_family, arrears_over_12_weeks=arrears) == 0
    assert support_limit(Decimal("0.03"), second_family=True, arrears_over_12_weeks=False) == Decimal("0.01")


def test_support_comes_first_and_counts_towards_the_limit_of_creditors():
    orders = [order("card", CREDITOR, "300"), order("child", SUPPORT, "140"), order("loan", CREDITOR, "300")]

    assert garnished(Decimal("1000.00"), Frequency.WEEKLY, orders) == {"card": 110, "child": 140, "loan": 0}
    orders[1] = order("child", SUPPORT, "250")
    assert garnished(Decimal("1000.00"), Frequency.WEEKLY, orders) == {"card": 0, "child": 250, "loan": 0}
    orders[0] = order("card", CREDITOR, "60")
    orders[1] = order("child", SUPPORT, "140")
    assert garnished(Decimal("1000.00"), Frequency.WEEKLY, orders) == {"card": 60, "child": 140, "loan": 50}


def test_support_orders_that_together_are_too_much_all_get_their_share():
    orders = [order("first", SUPPORT, "600"), order("second", SUPPORT, "300"), order("card", CREDITOR, "10")]
    taken = garnished(Decimal("1000.00"), Frequency.WEEKLY, orders, second_family=True)

    assert taken == {"first": Decimal("333.34"), "second": Decimal("166.66"), "card": 0}
    more = garnished(
        Decimal("1000.00"), Frequency.WEEKLY, orders, second_family=True, arrears_over_12_weeks=True
    )
    assert more == {"first": Decimal("366.67"), "second": Decimal("183.33"), "card": 0}
    assert garnished(Decimal("1500.00"), Frequency.WEEKLY, orders)["first"] == 600


def test_no_orders_take_nothing():
    assert garnished(Decimal("1000.00"), Frequency.WEEKLY, []) == {}
    zero = [order("none", SUPPORT, "0")]
    assert garnished(Decimal("1000.00"), Frequency.WEEKLY, zero) == {"none": 0}
    assert garnished(Decimal("-5.00"), Frequency.WEEKLY, [order("a", SUPPORT, "5")]) == {"a": 0}


requests = st.lists(st.tuples(st.sampled_from(OrderKind), st.integers(0, 200_000)), max_size=6)


@given(st.integers(0, 500_000), requests, st.booleans(), st.booleans())
def test_no_pay_gives_more_than_the_caps_nor_any_order_more_than_it_asks(
    cents, asked, second_family, arrears
):
    disposable = Decimal(cents) / 100
    orders = [order(str(n), kind, Decimal(amount) / 100) for n, (kind, amount) in enumerate(asked)]
    facts = {"second_family": second_family, "arrears_over_12_weeks": arrears}
    taken = garnished(disposable, Frequency.WEEKLY, orders, **facts)
    by_kind = {kind: sum(taken[o.key] for o in orders if o.kind is kind) for kind in OrderKind}

    assert all(0 <= taken[each.key] <= each.amount for each in orders)
    assert by_kind[SUPPORT] <= support_limit(disposable, **facts)
    if by_kind[CREDITOR]:
        assert sum(by_kind.values()) <= creditor_limit(disposable, Frequency.WEEKLY)
    wanted = sum(o.amount for o in orders if o.kind is SUPPORT)
    assert by_kind[SUPPORT] == min(wanted, support_limit(disposable, **facts))
