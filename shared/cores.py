"""Who takes a core from whom where the suite and its PostgreSQL share a machine of few cores."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def giving_way() -> Iterator[None]:
    """Processes started in here wait for a core instead of taking it from who runs (Linux: SCHED_BATCH).

    One event loop answers every request while dozens of server processes wake for a moment each; by default each
    of them interrupts it on the core it was woken from. Where they do not, two cores did a tenth more orders to
    cash (docs/adr/0018).
    """
    if not hasattr(os, "SCHED_BATCH"):
        yield
        return
    usual = os.sched_getscheduler(0)
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    try:
        yield
    finally:
        os.sched_setscheduler(0, usual, os.sched_param(0))
