"""Notes on paper, as far as a test of documents needs them; runs in a process beside the service."""

import os
import signal
import time
from pathlib import Path

from shared.paper.made import Paper
from shared.values.faults import Refused


class NotOnPaper(Refused):
    code = "not_on_paper"


def make_paper(title: str) -> bytes | Paper:
    """What the title says: a note may misbehave in any way."""
    what, _, name = title.partition(" ")
    if what == "waits":
        while not Path(name).exists():
            time.sleep(0.005)
    elif what == "refuses":
        raise NotOnPaper("This note cannot be put on paper.", reason=name)
    elif what == "breaks":
        raise ZeroDivisionError("a secret nobody must see")
    elif what == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "spins":
        while True:
            pass
    elif what == "warns":
        return Paper(b"paper", ("one thing", "another"))
    elif what == "hoards":
        held = []
        while True:
            held.append(bytearray(2**20))
    return f"{os.getpid()}: {title}".encode()
