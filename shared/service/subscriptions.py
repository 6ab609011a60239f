"""The marks by which functions of a capability's `consumers.py` say what calls them: an event, a due time, a job, an
approval."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.approvals.deciding import Approvable, Facts
from shared.background.jobs import Job, WhenUnfinished
from shared.contracts.event import Event

Fn = TypeVar("Fn", bound=Callable[..., Awaitable[object]])


def on(*contracts: type[Event]) -> Callable[[Fn], Fn]:
    """Mark `async def f(ctx, event)` in a `consumers.py` as what a service does when it learns of a fact."""

    def mark(function: Fn) -> Fn:
        function.__consumes__ = contracts  # type: ignore[attr-defined]
        return function

    return mark


def on_batch(*contracts: type[Event]) -> Callable[[Fn], Fn]:
    """Like `on`, for `async def f(batch)`: whatever of these facts a tenant has waiting, in their order, at once.

    The batch (`shared.context.batch`) holds each event with a ctx of its own, and is often of one. For effects that
    one statement has on many rows as well as on one.
    """

    def mark(function: Fn) -> Fn:
        function.__consumes__ = contracts  # type: ignore[attr-defined]
        function.__takes_batch__ = True  # type: ignore[attr-defined]
        return function

    return mark


def on_due(kind: str) -> Callable[[Fn], Fn]:
    """Mark `async def f(ctx, subject_id)` in a `consumers.py` as what happens when a due time arrives."""

    def mark(function: Fn) -> Fn:
        function.__due_kind__ = kind  # type: ignore[attr-defined]
        return function

    return mark


def on_job(kind: str, *, unfinished: WhenUnfinished | None = None, reads: str = "") -> Callable[[Fn], Fn]:
    """Mark `async def f(run)` in a `consumers.py` as the body of a long job (see `shared.background.jobs`).

    `unfinished` is `async def f(ctx, job_id, why)`, done in the transaction in which a job fails or is cancelled, so
    that what it works on is closed with it. `reads` is a scope that seeing the job needs beside `<service>:read`.
    """

    def mark(function: Fn) -> Fn:
        function.__job__ = Job(kind, function, unfinished, reads)  # type: ignore[attr-defined]
        return function

    return mark


def on_approved(kind: str, *, facts: Facts) -> Callable[[Fn], Fn]:
    """Mark `async def f(ctx, subject_id, command)` in a `consumers.py` as what is done once `kind` is approved.

    `facts` locks the subject and reads what the approval was asked for with (see `shared.approvals`).
    """

    def mark(function: Fn) -> Fn:
        function.__approves__ = Approvable(kind, facts, function)  # type: ignore[attr-defined]
        return function

    return mark
