"""Who may decide on what: steps, limits, four eyes, and the hash of what is to be approved."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from shared.context.ctx import SYSTEM, Actor
from shared.context.lifecycle import Lifecycle
from shared.values.faults import Forbidden, Refused
from shared.values.money import Money

PENDING, APPROVED, REJECTED = "pending", "approved", "rejected"
WITHDRAWN, EXPIRED, SUPERSEDED = "withdrawn", "expired", "superseded"

LIFECYCLE = Lifecycle(
    "approval",
    (PENDING, "approve", APPROVED),
    (PENDING, "reject", REJECTED),
    (PENDING, "withdraw", WITHDRAWN),
    (PENDING, "expire", EXPIRED),
    (PENDING, "supersede", SUPERSEDED),
    initial=PENDING,
    internal=("expire", "supersede"),
)


class FourEyes(Forbidden):
    """Who asked for something does not decide on it, nor does the party they acted for, nor the system."""

    code = "four_eyes"


class NotAnApprover(Forbidden):
    """Others are named to decide at this step, and none of them has delegated to the caller."""

    code = "not_an_approver"


class AlreadyDecided(Refused):
    """The caller, or whoever they would decide for, has decided on this already."""

    code = "already_decided"


class SubjectChanged(Refused):
    """What was to be approved is no longer what it was; it has to be asked for anew."""

    code = "approval_outdated"


class ApprovalExpired(Refused):
    """The time within which it had to be decided is over."""

    code = "approval_expired"


class NobodyToApprove(Refused):
    """Without the requester, too few of the named approvers are left."""

    code = "nobody_to_approve"


@dataclass(frozen=True, slots=True)
class Step:
    """One step on the way to an approval: `needed` different people who hold the scope, in any order.

    With `among` only those people (subjects of tokens) and their delegates count; `needed=None` means all of them.
    `above` leaves the step out for amounts up to that one.
    """

    scope: str
    needed: int | None = 1
    among: tuple[str, ...] = ()
    above: Money | None = None

    def __post_init__(self) -> None:
        """Refuse a step that nobody could complete."""
        if len(set(self.among)) != len(self.among) or (self.needed is None and not self.among):
            raise ValueError("a step names each approver once, and all of somebody")
        if self.needed is not None and (self.needed < 1 or (self.among and self.needed > len(self.among))):
            raise ValueError(f"a step needs at least one and at most {len(self.among)} approvers")


def exceeds(amount: Money, limit: Money) -> bool:
    """Whether an amount is above a limit, whatever its sign. Another currency than the limit's always is.

    Comparing the bare numbers would let 4,000 USD pass below 5,000 CNY (odoo/odoo#9399), and converting by a rate of
    the day would let who asks choose the day.
    """
    return amount.currency != limit.currency or abs(amount) > limit


def steps_for(amount: Money, steps: Iterable[Step]) -> list[Step]:
    """The steps that an amount needs; none where it needs no approval."""
    return [step for step in steps if step.above is None or exceeds(amount, step.above)]


def parties(actor_id: str, on_behalf_of: str | None) -> frozenset[str]:
    """Everybody that an actor's token names: four eyes are not those of one party under two names."""
    return frozenset(party for party in (actor_id, on_behalf_of) if party)


def without_requester(steps: Iterable[Step], requester: frozenset[str]) -> list[Step]:
    """The steps as they are asked for: the requester is none of the approvers, so all of them are all others."""
    found = []
    for step in steps:
        rest = tuple(name for name in step.among if name not in requester)
        needed = len(rest) if step.needed is None else step.needed
        if step.among and (needed > len(rest) or not rest):
            raise NobodyToApprove(
                "Who asks for it would have to approve it; somebody else has to ask.",
                approvers=list(step.among),
            )
        found.append(Step(step.scope, needed, rest, step.above))
    return found


def place_of(
    step: Step,
    actor: Actor,
    *,
    scopes: Collection[str],
    requester: frozenset[str],
    decided: Collection[str],
    delegators: Sequence[str],
) -> str:
    """In whose place somebody decides at a step: their own, or a named approver's who delegated to them.

    `decided` are all parties to earlier decisions, so that nobody counts twice, under whichever name.
    """
    own = parties(actor.id, actor.on_behalf_of)
    if actor.kind == SYSTEM.kind or own & requester:
        raise FourEyes("Who asked for it does not decide on it; somebody else has to.")
    if step.scope not in scopes:
        raise Forbidden(f"This needs the scope {step.scope}.", code="missing_scope", scope=step.scope)
    if not own.isdisjoint(decided):
        raise AlreadyDecided("You have decided on this already; the next one is somebody else.")
    if not step.among or actor.id in step.among:
        return actor.id
    places = [name for name in delegators if name in step.among and name not in requester]
    if not places:
        raise NotAnApprover("Others are named to decide on this.", approvers=list(step.among))
    free = [name for name in places if name not in decided]
    if not free:
        raise AlreadyDecided(f"{places[0]} has decided on this already.")
    return free[0]


def hash_of(kind: str, subject_id: UUID, command: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of what is to be approved: who changes anything of it changes the hash.

    Facts are texts, whole numbers, booleans, ids, dates and lists and objects of them; anything else has no one JSON
    form and is a TypeError.
    """
    document = {"kind": kind, "subject_id": subject_id, "command": command, "facts": facts}
    return hashlib.sha256(canonical(document)).hexdigest()


def canonical(document: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys and no spaces."""
    _require_exact(document)
    return orjson.dumps(document, default=_id_text, option=orjson.OPT_SORT_KEYS)


def _id_text(value: object) -> str:
    """The database driver's ids are a kind of their own, written like any other."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no one JSON form")


def _require_exact(value: object) -> None:
    if isinstance(value, float):
        raise TypeError("a float has no exact text; state an amount as text")
    for part in (
        value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    ):
        _require_exact(part)
