"""Who takes a core from whom where the suite and its PostgreSQL share a machine of few cores."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def giving_way() -> Iterator[None]:
    """Processes started in here wait for a core instead of taking it from who runs (Linux: SCHED_BATCH).

    One event loop answers every request while dozens of server processes wake for a moment each; by default each
    of them interrupts it on the core it was woken from. Where they do not, two cores did a tenth more orders to
    cash (docs/performance.md).
    """
    changed = _become_batch()
    try:
        yield
    finally:
        if changed:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def _become_batch() -> bool:
    """Take the policy if this thread has the usual one and may; a sandbox may refuse, and nothing depends on it."""
    if not hasattr(os, "SCHED_BATCH") or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    except PermissionError:
        return False
    return True
