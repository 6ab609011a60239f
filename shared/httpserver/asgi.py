"""ASGI's own types, and our extensions of it: a deadline, answers in one message, headers written out already."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

Headers = list[tuple[bytes, bytes]]


class HeaderBlock(Headers):
    """The headers of a request, from a server that gives the same object again while a caller repeats itself.

    Callers send nearly the same head with each request of a connection. What was once made of it may be kept in
    `facts` for the next time, by whoever never changes the list.
    """

    __slots__ = ("facts",)

    facts: object


Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class Answerable(Protocol):
    """Whom a server that offers it lets an app answer without a task, once: `whole`, or `hand_over`.

    An app takes part by a method `express(scope, caller)`, called for requests without a body. False means that it
    did nothing, and is to be called as ever.
    """

    on_lost: Callable[[], None] | None

    def whole(self, status: int, headers: Headers, body: bytes) -> None:
        """Give the whole answer."""

    def hand_over(self, app: AsgiApp) -> None:
        """Let this app go on in a task."""


DEADLINE = "backoffice.deadline"
# A server that has this among the scope's extensions takes an answer that is at hand in one message:
# `http.response.start` with the whole body under this name, and no `http.response.body` after it.
WHOLE = "backoffice.whole"
# How many of a request's headers, from the first, are written out already, and the bytes they make.
WRITTEN = "backoffice.written"


def set_deadline(scope: Scope, at: float) -> None:
    """Fix the moment (loop time) after which nobody waits for this request any more."""
    scope.setdefault("extensions", {})[DEADLINE] = {"at": at}


def deadline_of(scope: Scope, default: float) -> float:
    """Return the request's deadline in loop time; an upstream used on its own falls back to its default."""
    extensions = scope.get("extensions")
    if not extensions or DEADLINE not in extensions:
        return default
    return float(extensions[DEADLINE]["at"])
