"""ASGI's own types, and our extensions of it: a deadline, and word of when an answer has been taken."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Headers = list[tuple[bytes, bytes]]
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

DEADLINE = "backoffice.deadline"
TAKEN = "backoffice.taken"  # in a scope: sending a message of this type returns when the caller has taken the answer
LATE = "backoffice.late"  # in a disconnect: the server has ended the request (408), since its body came too slowly


def set_deadline(scope: Scope, at: float) -> None:
    """Fix the moment (loop time) after which nobody waits for this request any more."""
    scope.setdefault("extensions", {})[DEADLINE] = {"at": at}


def deadline_of(scope: Scope, default: float) -> float:
    """Return the request's deadline in loop time; an upstream used on its own falls back to its default."""
    extensions = scope.get("extensions")
    if not extensions or DEADLINE not in extensions:
        return default
    return float(extensions[DEADLINE]["at"])
