"""ASGI's own types, and two extensions: a deadline for an upstream, and an answer in one message for the server."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Headers = list[tuple[bytes, bytes]]
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

DEADLINE = "backoffice.deadline"
# A server that has this among the scope's extensions takes an answer that is at hand in one message:
# `http.response.start` with the whole body under this name, and no `http.response.body` after it.
WHOLE = "backoffice.whole"


def set_deadline(scope: Scope, at: float) -> None:
    """Fix the moment (loop time) after which nobody waits for this request any more."""
    scope.setdefault("extensions", {})[DEADLINE] = {"at": at}


def deadline_of(scope: Scope, default: float) -> float:
    """Return the request's deadline in loop time; an upstream used on its own falls back to its default."""
    extensions = scope.get("extensions")
    if not extensions or DEADLINE not in extensions:
        return default
    return float(extensions[DEADLINE]["at"])
