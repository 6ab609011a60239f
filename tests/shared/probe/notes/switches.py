"""What tests make the probe do: by title of a note, what its consumer, reminder or job does before its effect."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

from shared.approvals.rules import Step
from shared.values.faults import Refused

BEFORE_EFFECT: dict[str, Callable[[], Awaitable[object]]] = {}
TRIES: dict[str, int] = {}


async def pass_by(title: str) -> None:
    """Count a try, then do what the test wants."""
    TRIES[title] = TRIES.get(title, 0) + 1
    if title.startswith("kills-its-process"):
        os.kill(os.getpid(), signal.SIGKILL)
    if title.startswith("dies-at-its-fourth") and TRIES[title] == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    if title.startswith("always-fails"):
        raise RuntimeError("this note cannot be handled: IBAN GB29NWBK60161331926819")
    if title.startswith("cancels itself"):
        raise asyncio.CancelledError
    if title.startswith("refused"):
        raise Refused("This note is not for counting.", code="note_not_countable")
    if title in BEFORE_EFFECT:
        await BEFORE_EFFECT[title]()


STEPS: dict[str, list[Step]] = {}
"""Who has to approve that a note of that title is archived."""
