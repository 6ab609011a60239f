"""Who may decide, which amounts need it, and what the hash covers: pure rules."""

from datetime import date
from uuid import UUID

import pytest

from shared.approvals.rules import (
    AlreadyDecided,
    FourEyes,
    NobodyToApprove,
    NotAnApprover,
    Step,
    canonical,
    exceeds,
    hash_of,
    parties,
    place_of,
    steps_for,
    without_requester,
)
from shared.context.ctx import Actor
from shared.values.faults import Forbidden
from shared.values.money import Money

ANN, SCOPES = frozenset({"ann"}), frozenset({"x:approve"})


def place(step: Step, actor: Actor, **given) -> str:
    facts = {"scopes": SCOPES, "requester": ANN, "decided": set(), "delegators": []} | given
    return place_of(step, actor, **facts)


@pytest.mark.parametrize(
    ("amount", "limit", "above"),
    [
        (Money(10_00, "EUR"), Money(10_00, "EUR"), False),
        (Money(10_01, "EUR"), Money(10_00, "EUR"), True),
        (Money(-10_01, "EUR"), Money(10_00, "EUR"), True),
        (Money(0, "EUR"), Money(0, "EUR"), False),
        (Money(1, "EUR"), Money(0, "EUR"), True),
        (Money(1, "USD"), Money(1_000_000, "EUR"), True),  # odoo/odoo#9399: compared as bare numbers
    ],
)
def test_a_limit_is_exceeded_above_it_and_by_any_other_currency(amount, limit, above):
    assert exceeds(amount, limit) is above


def test_larger_amounts_need_more_steps():
    steps = [Step("x:approve", above=Money(100, "EUR")), Step("y:approve", above=Money(1000, "EUR"))]

    needed = [[s.scope for s in steps_for(Money(m, "EUR"), steps)] for m in (100, 101, 1000, 1001)]

    assert needed == [[], ["x:approve"], ["x:approve"], ["x:approve", "y:approve"]]


def test_a_step_that_nobody_could_complete_cannot_be_written():
    for bad in ({"needed": 0}, {"needed": None}, {"needed": 2, "among": ("a",)}, {"among": ("a", "a")}):
        with pytest.raises(ValueError, match="a step"):
            Step("x:approve", **bad)


@pytest.mark.parametrize(
    "actor",
    [
        Actor("ann"),
        Actor("agency", on_behalf_of="ann"),
        Actor("ann", on_behalf_of="somebody"),
        Actor("system", "system"),
    ],
)
def test_a_requester_decides_under_no_name_and_the_system_never(actor: Actor):
    with pytest.raises(FourEyes):
        place(Step("x:approve"), actor)


def test_nor_does_the_party_the_requester_acted_for():
    asked = parties("agency", "ann")

    with pytest.raises(FourEyes):
        place(Step("x:approve"), Actor("ann"), requester=asked)
    with pytest.raises(FourEyes):
        place(Step("x:approve"), Actor("another agency", on_behalf_of="ann"), requester=asked)


def test_nobody_counts_twice_under_whichever_name():
    step = Step("x:approve", 2, ("ben", "cleo", "dora"))

    for decided, actor, delegators in (
        ({"ben"}, Actor("ben"), []),
        ({"zoe", "ben"}, Actor("ben"), []),  # zoe decided in ben's place
        ({"ben"}, Actor("zoe"), ["ben"]),  # ben decided, then his delegate
        ({"ben"}, Actor("zoe", on_behalf_of="ben"), ["cleo"]),
    ):
        with pytest.raises(AlreadyDecided):
            place(step, actor, decided=decided, delegators=delegators)
    assert place(step, Actor("zoe"), decided={"ben"}, delegators=["ben", "cleo"]) == "cleo"


def test_a_delegate_needs_a_named_approver_that_is_not_the_requester_and_the_scope():
    step = Step("x:approve", 1, ("ann", "ben"))

    with pytest.raises(NotAnApprover):
        place(step, Actor("zoe"))
    with pytest.raises(NotAnApprover):
        place(step, Actor("zoe"), delegators=["ann"])
    with pytest.raises(Forbidden, match="x:approve"):
        place(step, Actor("zoe"), delegators=["ben"], scopes={"x:write"})
    assert place(step, Actor("zoe"), delegators=["ann", "ben"]) == "ben"


def test_all_are_all_others_and_somebody_is_left():
    (step,) = without_requester([Step("x:approve", None, ("ann", "ben", "cleo"))], ANN)

    assert (step.needed, step.among) == (2, ("ben", "cleo"))
    for alone in (Step("x:approve", None, ("ann",)), Step("x:approve", 2, ("ann", "ben"))):
        with pytest.raises(NobodyToApprove):
            without_requester([alone], ANN)


def test_the_hash_covers_everything_and_not_its_order():
    subject = UUID(int=1)
    command, facts = {"a": 1, "b": None}, {"on": date(2026, 1, 1), "lines": [{"x": "1.00"}]}
    same = hash_of("k", subject, dict(reversed(command.items())), dict(reversed(facts.items())))

    assert same == hash_of("k", subject, command, facts)
    others = {
        hash_of("l", subject, command, facts),
        hash_of("k", UUID(int=2), command, facts),
        hash_of("k", subject, command | {"a": 2}, facts),
        hash_of("k", subject, command, facts | {"lines": [{"x": "1.0"}]}),
        hash_of("k", subject, facts, command),
    }
    assert len(others | {same}) == 6
    with pytest.raises(TypeError, match="float"):
        canonical({"amount": [1.5]})
