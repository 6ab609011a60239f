"""Which warehouse gives what: never more than it has, and as few warehouses as the rule promises."""

from collections import defaultdict
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orders.stock.rules import (
    Demand,
    InsufficientStock,
    StockChanged,
    StockItem,
    adjusted_delta,
    allocate,
    set_aside,
    shortage,
)
from shared.values.faults import Invalid

MAIN, NORTH, SOUTH = UUID(int=103), UUID(int=102), UUID(int=101)
TEA, CUP = UUID(int=1), UUID(int=2)


def demand(line: int, quantity: int | str, product: UUID = TEA) -> Demand:
    return Demand(UUID(int=1000 + line), product, f"SKU-{product.int}", Decimal(quantity))


def item(warehouse: UUID, on_hand: int, product: UUID = TEA, reserved: int = 0) -> StockItem:
    return StockItem(product, warehouse, Decimal(on_hand), Decimal(reserved))


def taken(demands: list[Demand], items: list[StockItem]) -> list[tuple[int, UUID, int]]:
    allocations, _ = allocate(demands, items, main=MAIN)
    return [(a.line_id.int - 1000, a.warehouse_id, int(a.quantity)) for a in allocations]


def test_main_gives_first():
    assert taken([demand(1, 3)], [item(SOUTH, 9), item(MAIN, 3)]) == [(1, MAIN, 3)]


def test_a_line_comes_whole_from_another_warehouse_rather_than_split():
    assert taken([demand(1, 5)], [item(MAIN, 4), item(NORTH, 5)]) == [(1, NORTH, 5)]


def test_one_warehouse_that_has_everything_gives_everything():
    items = [item(MAIN, 9), item(NORTH, 9), item(NORTH, 9, CUP), item(SOUTH, 9, CUP)]

    assert taken([demand(1, 3), demand(2, 3, CUP)], items) == [(1, NORTH, 3), (2, NORTH, 3)]


def test_a_line_is_split_from_main_and_then_the_fullest():
    items = [item(MAIN, 2), item(NORTH, 3), item(SOUTH, 4)]

    assert taken([demand(1, 6)], items) == [(1, MAIN, 2), (1, SOUTH, 4)]


def test_a_warehouse_that_gives_already_is_preferred():
    items = [item(NORTH, 5), item(SOUTH, 9), item(NORTH, 5, CUP)]

    assert taken([demand(1, 5, CUP), demand(2, 5), demand(3, 1)], items)[:2] == [(1, NORTH, 5), (2, NORTH, 5)]


def test_earlier_lines_are_served_first_and_the_rest_is_missing():
    allocations, missing = allocate([demand(1, 4), demand(2, "3.5")], [item(MAIN, 5)], main=MAIN)

    assert [(a.line_id.int, a.quantity) for a in allocations] == [(1001, 4), (1002, 1)]
    assert missing == {UUID(int=1002): Decimal("2.5")}


def test_what_is_reserved_is_not_given_again():
    assert taken([demand(1, 5)], [item(MAIN, 6, reserved=2)]) == [(1, MAIN, 4)]


def test_a_shortage_sums_the_lines_of_a_product():
    fault = shortage([demand(1, 2), demand(2, 2), demand(3, 1, CUP)], [item(MAIN, 3), item(MAIN, 1, CUP)])

    assert isinstance(fault, InsufficientStock)
    assert fault.facts["lines"] == [{"sku": "SKU-1", "requested": "4", "available": "3"}]


quantities = st.decimals(min_value="0.000001", max_value=50, places=6) | st.integers(1, 20).map(Decimal)
products = st.sampled_from([TEA, CUP])
demands_of = st.lists(st.tuples(quantities, products), min_size=1, max_size=6).map(
    lambda rows: [Demand(UUID(int=1000 + n), p, f"SKU-{p.int}", q) for n, (q, p) in enumerate(rows)]
)
items_of = st.dictionaries(
    st.tuples(products, st.sampled_from([MAIN, NORTH, SOUTH])),
    st.tuples(st.integers(0, 40).map(Decimal), quantities),
    max_size=6,
).map(lambda rows: [StockItem(p, w, on_hand + held, held) for (p, w), (on_hand, held) in rows.items()])


@given(demands=demands_of, items=items_of)
def test_nothing_is_oversold_and_every_line_adds_up(demands: list[Demand], items: list[StockItem]):
    allocations, missing = allocate(demands, items, main=MAIN)

    given_by, got, wanted, there = (defaultdict(Decimal) for _ in range(4))
    for a in allocations:
        assert a.quantity > 0
        given_by[a.product_id, a.warehouse_id] += a.quantity
        got[a.line_id] += a.quantity
    available = {(i.product_id, i.warehouse_id): i.free for i in items}
    for key, quantity in given_by.items():
        assert quantity <= available[key]
    for d in demands:
        assert got[d.line_id] + missing.get(d.line_id, Decimal(0)) == d.quantity
        wanted[d.product_id] += d.quantity
    for i in items:
        there[i.product_id] += i.free
    for product, quantity in wanted.items():
        lacking = sum(missing.get(d.line_id, Decimal(0)) for d in demands if d.product_id == product)
        assert lacking == max(Decimal(0), quantity - there[product])
    assert len({(a.line_id, a.warehouse_id) for a in allocations}) == len(allocations)


@given(demands=demands_of, items=items_of)
def test_one_warehouse_suffices_whenever_one_can(demands: list[Demand], items: list[StockItem]):
    allocations, missing = allocate(demands, items, main=MAIN)

    wanted = defaultdict(Decimal)
    for d in demands:
        wanted[d.product_id] += d.quantity
    available = {(i.product_id, i.warehouse_id): i.free for i in items}
    able = [w for w in (MAIN, NORTH, SOUTH) if all(available.get((p, w), 0) >= q for p, q in wanted.items())]
    if able:
        assert not missing
        assert len({a.warehouse_id for a in allocations}) == 1
        assert MAIN not in able or allocations[0].warehouse_id == MAIN


def test_a_count_over_another_expectation_is_refused():
    with pytest.raises(StockChanged) as refused:
        adjusted_delta(item(MAIN, 5), sku="A", delta=None, set_to=Decimal(9), expected=Decimal(4))

    assert refused.value.facts == {"on_hand": "5"}


@pytest.mark.parametrize("change", [{"delta": Decimal(-4)}, {"set_to": Decimal(1), "expected": Decimal(5)}])
def test_a_count_is_noted_whatever_is_promised(change: dict):
    values = {"delta": None, "set_to": None, "expected": None} | change

    assert adjusted_delta(item(MAIN, 5, reserved=2), sku="A", **values) == -4


def test_no_more_can_be_taken_than_lies_there():
    with pytest.raises(InsufficientStock) as refused:
        adjusted_delta(item(MAIN, 5, reserved=2), sku="A", delta=Decimal(-6), set_to=None, expected=None)

    assert refused.value.facts["available"] == "5"


@pytest.mark.parametrize(("on_hand", "reserved", "free", "short"), [(5, 2, 3, 0), (5, 5, 0, 0), (3, 5, 0, 2)])
def test_what_is_free_and_what_is_short(on_hand: int, reserved: int, free: int, short: int):
    shown = item(MAIN, on_hand, reserved=reserved)

    assert (shown.free, shown.short) == (free, short)


def test_what_is_short_in_one_place_takes_nothing_from_another():
    assert taken([demand(1, 3)], [item(MAIN, 1, reserved=4), item(NORTH, 3)]) == [(1, NORTH, 3)]


def test_what_is_owed_to_those_who_wait_is_set_aside_first():
    items = [item(MAIN, 4), item(NORTH, 3), item(MAIN, 9, CUP)]

    left = set_aside(items, {TEA: Decimal(5)}, main=MAIN)

    assert sum(i.free for i in left if i.product_id == TEA) == 2
    assert [i.free for i in left if i.product_id == CUP] == [9]


def test_a_place_holds_no_more_than_can_be_written():
    with pytest.raises(Invalid):
        adjusted_delta(item(MAIN, 1), sku="A", delta=Decimal(10**12), set_to=None, expected=None)
