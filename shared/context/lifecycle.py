"""Lifecycles: one table of legal moves per aggregate, and the only code that assigns a state.

    LIFECYCLE = Lifecycle(
        "invoice",
        (InvoiceState.DRAFT, "finalize", InvoiceState.FINALIZED),
        …,
    )

The table feeds the guard (409 with the verbs that are allowed), `allowed_actions` in replies, the diagram in
`docs/generated/states.md` and a test over every state and verb.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from shared.values.faults import Refused

if TYPE_CHECKING:  # rules declare lifecycles, and are read in processes that have no use for a database
    from shared.context.ctx import Ctx

REGISTRY: dict[str, "Lifecycle"] = {}


class IllegalTransition(Refused):
    """The aggregate's state does not allow this verb."""

    code = "illegal_transition"


class Stateful(Protocol):
    """A row with a state and a version."""

    id: UUID
    state: str
    version: int
    updated_at: datetime


class Lifecycle:
    """The legal moves of one aggregate: (from, verb, to). A verb may start in several states.

    An aggregate may come to be in one of several `initial` states; the first is the usual one.
    `internal` verbs are the system's own (a fulfilment completes its order): they are guarded and recorded
    like any other but never offered to callers.
    """

    def __init__(
        self,
        aggregate: str,
        *moves: tuple[str, str, str],
        initial: str | Sequence[str],
        internal: Iterable[str] = (),
    ) -> None:
        self.aggregate = aggregate
        starts = (initial,) if isinstance(initial, str) else initial
        self.initials = tuple(dict.fromkeys(map(str, starts)))
        if not self.initials:
            raise ValueError(f"{aggregate}: no state to begin in")
        self.initial = self.initials[0]
        self.moves: dict[tuple[str, str], str] = {}
        self.internal = frozenset(internal)
        for start, verb, end in moves:
            if (str(start), verb) in self.moves:
                raise ValueError(f"{aggregate}: two moves for {verb} from {start}")
            self.moves[str(start), verb] = str(end)
        self.states = tuple(
            dict.fromkeys([*self.initials, *(s for (s, _) in self.moves), *self.moves.values()])
        )
        self.verbs = tuple(dict.fromkeys(verb for _, verb in self.moves))
        REGISTRY[aggregate] = self

    def allowed(self, state: str) -> list[str]:
        """The verbs a caller may use in a state."""
        return [verb for (start, verb) in self.moves if start == state and verb not in self.internal]

    def first(self, state: str | None = None) -> str:
        """The state to begin in: the usual one, or the one asked for when the aggregate may begin there."""
        if state is None:
            return self.initial
        if str(state) not in self.initials:
            raise ValueError(f"{self.aggregate}: nothing begins as {state}")
        return str(state)

    def target(self, state: str, verb: str) -> str:
        """Where a verb leads from a state; refuses when it leads nowhere."""
        end = self.moves.get((str(state), verb))
        if end is None:
            raise IllegalTransition(
                f"This {self.aggregate} is {state}; it cannot {verb.replace('_', ' ')} now.",
                state=str(state),
                allowed_actions=self.allowed(state),
            )
        return end

    def diagram(self) -> str:
        """The moves as a Mermaid state diagram."""
        lines = ["stateDiagram-v2", *(f"    [*] --> {start}" for start in self.initials)]
        lines += [f"    {start} --> {end}: {verb}" for (start, verb), end in self.moves.items()]
        ends = [s for s in self.states if not any(start == s for start, _ in self.moves)]
        return "\n".join(lines + [f"    {end} --> [*]" for end in ends])


def advance(ctx: "Ctx", lifecycle: Lifecycle, row: Stateful, verb: str, *, why: str | None = None) -> None:
    """Move a locked row by a verb: guard, assign, bump the version, write its timeline."""
    step(ctx, lifecycle, row, verb, why=why)
    row.version += 1
    row.updated_at = ctx.now


def step(ctx: "Ctx", lifecycle: Lifecycle, row: Stateful, verb: str, *, why: str | None = None) -> None:
    """The same for a row of which one change may hold several moves: who makes the change counts it, once."""
    row.state = move(ctx, lifecycle, row.id, row.state, verb, why=why)


def move(
    ctx: "Ctx", lifecycle: Lifecycle, row_id: UUID, state: str, verb: str, *, why: str | None = None
) -> str:
    """The same for hot paths that keep the row in SQL: guards and records, and returns the state to store."""
    target = lifecycle.target(state, verb)
    ctx.record_move(lifecycle.aggregate, row_id, verb, state, target, why)
    return target


def begin(
    ctx: "Ctx",
    lifecycle: Lifecycle,
    row_id: UUID,
    *,
    verb: str = "create",
    state: str | None = None,
    why: str | None = None,
) -> str:
    """Record that an aggregate came to be, in the usual state or another it may begin in; returns the state."""
    first = lifecycle.first(state)
    ctx.record_move(lifecycle.aggregate, row_id, verb, None, first, why)
    return first
