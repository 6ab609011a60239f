"""The other side of `side_process`: takes calls from standard input, one after the other, until it is closed."""

import inspect
import os
import pickle
import queue
import resource
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from shared.base.side_process import LENGTH_BYTES, Limits, SideProcessFailed, TookTooMuchMemory

NICENESS = 15  # whoever waits for an answer goes first
MB = 1024 * 1024


def main() -> None:
    """Serve calls until our parent closes the pipe, or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for our parent, who ends us
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICENESS)
    with suppress(OSError):  # where memory runs out it is we who go, not our parent
        Path("/proc/self/oom_score_adj").write_text("1000")
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not come between
    calls: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, calls), daemon=True).start()
    while True:
        _serve(calls.get(), answers)


def _listen(source: BinaryIO, calls: "queue.SimpleQueue[bytes]") -> None:
    """Take calls in; the end of the pipe is the end of us, in the middle of a call, too."""
    while len(head := source.read(LENGTH_BYTES)) == LENGTH_BYTES:
        calls.put(source.read(int.from_bytes(head)))
    os._exit(0)


def _serve(call: bytes, answers: BinaryIO) -> None:
    try:
        function, arguments, limits = pickle.loads(call)  # noqa: S301 - our own program on the other side
        _limit(limits)
        result = function(*arguments)
        if inspect.isgenerator(result):
            for item in result:
                _send(answers, "yielded", item)
            result = None
        _send(answers, "returned", result)
    except MemoryError:
        _send(answers, "raised", TookTooMuchMemory("the memory of the call is used up"))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is for the caller
        _send(answers, "raised", _portable(error))


def _limit(limits: Limits) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + 1 + limits.cpu_seconds
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_mb * MB, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _portable(error: Exception) -> Exception:
    """The error itself where it can travel, else its text."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - made a line before
    except Exception:  # noqa: BLE001 - an error may fail to be rebuilt in any way
        return SideProcessFailed(f"{type(error).__name__}: {error}")
    return error


def _send(answers: BinaryIO, kind: str, value: Any) -> None:  # noqa: ANN401 - whatever the function makes
    piece = pickle.dumps((kind, value))
    answers.write(len(piece).to_bytes(LENGTH_BYTES) + piece)
    answers.flush()


if __name__ == "__main__":
    main()
