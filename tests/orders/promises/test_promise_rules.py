"""Whose turn it is: no more is taken back than is short, from nobody older than needed, and nobody is passed over."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orders.promises import rules
from services.orders.promises.rules import Claim, PromisedClaim, in_turn, take_back, unshared
from services.orders.stock.rules import StockItem

TEA, MAIN = UUID(int=1), UUID(int=2)
START = datetime(2026, 1, 1, tzinfo=UTC)


def order(n: int, *, promised: int = 0, waiting: int = 0, state: str = "open") -> Any:
    """An order of one line, as far as turns look at it."""
    line = SimpleNamespace(id=UUID(int=n), product_id=TEA, sku="TEA", backordered=Decimal(waiting))
    part = SimpleNamespace(order_line_id=line.id, quantity=Decimal(promised))
    fulfilment = SimpleNamespace(id=UUID(int=1000 + n), state=state, lines=[part])
    return SimpleNamespace(id=UUID(int=n), fulfilments=[fulfilment], lines=[line], line=lambda _: line)


def claim(n: int, quantity: int) -> Claim:
    return Claim(START + timedelta(hours=n), UUID(int=n), 1, UUID(int=n), TEA, Decimal(quantity))


def promise(n: int, quantity: int) -> PromisedClaim:
    own = claim(n, quantity)
    facts = (own.confirmed_at, own.order_id, 1, own.line_id, TEA, own.quantity)
    return PromisedClaim(*facts, UUID(int=1000 + n), MAIN)


def short_by(quantity: int, *, promised: int) -> list[StockItem]:
    return [StockItem(TEA, MAIN, Decimal(promised - quantity), Decimal(promised))]


@given(held=st.lists(st.integers(1, 9), min_size=1, max_size=8), part=st.integers(1, 100))
def test_the_youngest_lose_what_is_short_and_not_a_unit_more(held: list[int], part: int):
    short = max(1, sum(held) * part // 100)
    claims = [promise(n, q) for n, q in reversed(list(enumerate(held)))]
    orders = {UUID(int=n): order(n, promised=q) for n, q in enumerate(held)}

    turns = take_back(short_by(short, promised=sum(held)), claims, orders)

    assert sum(loss.quantity for loss in turns.losses) == short
    losers = [loss.claim.order_id.int for loss in turns.losses]
    assert losers == list(range(len(held) - 1, len(held) - 1 - len(losers), -1))
    assert all(loss.quantity == loss.claim.quantity for loss in turns.losses[:-1])
    assert (turns.pending, turns.unsure) == (set(), set())


def test_nothing_older_loses_while_somebody_holds_the_youngest():
    claims = [promise(2, 3), promise(1, 3)]

    turns = take_back(short_by(4, promised=6), claims, {UUID(int=1): order(1, promised=3)})

    assert (turns.losses, turns.pending) == ([], {TEA})


@pytest.mark.parametrize("state", ["picking", "packed", "shipped"])
def test_what_has_been_picked_meanwhile_keeps_its_promise_and_is_looked_at_again(state: str):
    items = short_by(2, promised=6)

    turns = take_back(items, [promise(2, 3)], {UUID(int=2): order(2, promised=3, state=state)})

    assert (turns.losses, unshared(turns, items, short=True)) == ([], {TEA})


@given(waiting=st.lists(st.integers(1, 9), min_size=1, max_size=8), held_by_others=st.integers(0, 8))
def test_those_who_wait_come_in_turn_and_nobody_before_one_that_is_held(
    waiting: list[int], held_by_others: int
):
    claims = [claim(n, q) for n, q in enumerate(waiting)]
    orders = {UUID(int=n): order(n, waiting=q) for n, q in enumerate(waiting) if n != held_by_others}

    turns = in_turn(claims, [], orders)

    served = waiting[:held_by_others]
    assert [(d.line_id.int, d.quantity) for d in turns.demands] == list(enumerate(served))
    assert turns.pending == ({TEA} if held_by_others < len(waiting) else set())


def test_who_has_just_lost_waits_in_the_place_of_its_confirmation():
    orders = {UUID(int=n): order(n, waiting=2) for n in (1, 2, 3)}

    turns = in_turn([claim(1, 2), claim(3, 2)], [claim(2, 0)], orders)

    assert [d.line_id.int for d in turns.demands] == [1, 2, 3]


def test_behind_what_one_transaction_looks_at_nobody_is_served(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rules, "AT_ONCE", 2)
    orders = {UUID(int=n): order(n, waiting=2) for n in (1, 2, 3)}

    turns = in_turn([claim(1, 2), claim(2, 2)], [claim(3, 0)], orders)

    assert ([d.line_id.int for d in turns.demands], turns.pending, turns.unsure) == ([1, 2], {TEA}, {TEA})
