"""Lifecycles: the table is the guard, for every state and every verb; and every diagram can be drawn."""

from types import SimpleNamespace
from uuid import uuid4

import pytest

from deploy.cli.generate_docs import lifecycles
from services.all import SERVICES
from shared.context.lifecycle import IllegalTransition, Lifecycle, advance, begin
from shared.values.clock import utc_now

ALL = [(s.name, lifecycle) for s in SERVICES for lifecycle in lifecycles(s)]
MOVES = [
    pytest.param(lifecycle, state, verb, id=f"{service}-{lifecycle.aggregate}-{state}-{verb}")
    for service, lifecycle in ALL
    for state in lifecycle.states
    for verb in lifecycle.verbs
]


class Recorder:
    """Stands for a ctx: remembers the moves."""

    def __init__(self) -> None:
        self.now = utc_now()
        self.moves: list[tuple[object, ...]] = []

    def record_move(self, *move: object) -> None:
        self.moves.append(move)


@pytest.mark.parametrize(("lifecycle", "state", "verb"), MOVES)
def test_a_verb_leads_where_the_table_says_or_is_refused_with_what_is_allowed(
    lifecycle: Lifecycle, state: str, verb: str
):
    row = SimpleNamespace(id=uuid4(), state=state, version=1, updated_at=None)
    ctx = Recorder()
    target = lifecycle.moves.get((state, verb))
    try:
        advance(ctx, lifecycle, row, verb)  # type: ignore[arg-type]
        refusal = None
    except IllegalTransition as refused:
        refusal = refused.facts

    if target is None:
        assert refusal == {"state": state, "allowed_actions": lifecycle.allowed(state)}
        assert (row.state, row.version, ctx.moves) == (state, 1, [])
        assert verb not in lifecycle.allowed(state)
    else:
        assert (row.state, row.version, row.updated_at) == (target, 2, ctx.now)
        assert ctx.moves == [(lifecycle.aggregate, row.id, verb, state, target, None)]
        assert (verb in lifecycle.allowed(state)) == (verb not in lifecycle.internal)


@pytest.mark.parametrize(("service", "lifecycle"), ALL, ids=[f"{s}-{x.aggregate}" for s, x in ALL])
def test_every_state_is_reached_and_drawn(service: str, lifecycle: Lifecycle):
    reached, grown = set(lifecycle.initials), True
    while grown:
        more = reached | {end for (start, _), end in lifecycle.moves.items() if start in reached}
        grown, reached = more != reached, more
    diagram = lifecycle.diagram()

    assert reached == set(lifecycle.states)
    assert diagram.startswith("stateDiagram-v2\n    [*] --> ")
    assert all(f"\n    [*] --> {start}\n" in f"{diagram}\n" for start in lifecycle.initials)
    assert all(f"{start} --> {end}: {verb}" in diagram for (start, verb), end in lifecycle.moves.items())
    assert lifecycle.internal <= set(lifecycle.verbs)


@pytest.mark.parametrize(("service", "lifecycle"), ALL, ids=[f"{s}-{x.aggregate}" for s, x in ALL])
def test_an_aggregate_begins_where_its_table_says_and_nowhere_else(service: str, lifecycle: Lifecycle):
    ctx, row_id = Recorder(), uuid4()

    begun = [begin(ctx, lifecycle, row_id)]  # type: ignore[arg-type]
    begun += [begin(ctx, lifecycle, row_id, state=state) for state in lifecycle.initials]  # type: ignore[arg-type]

    assert begun == [lifecycle.initials[0], *lifecycle.initials]
    assert ctx.moves == [(lifecycle.aggregate, row_id, "create", None, state, None) for state in begun]
    for state in {*lifecycle.states, "nowhere"} - set(lifecycle.initials):
        with pytest.raises(ValueError, match="nothing begins as"):
            begin(ctx, lifecycle, row_id, state=state)  # type: ignore[arg-type]
    assert len(ctx.moves) == len(begun)


@pytest.mark.parametrize("service", [s.name for s in SERVICES])
def test_two_aggregates_of_a_service_have_two_names(service: str):
    names = [lifecycle.aggregate for name, lifecycle in ALL if name == service]

    assert len(names) == len(set(names))
