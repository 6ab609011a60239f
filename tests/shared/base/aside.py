"""What the tests of side processes have done beside the event loop."""

import os
import time
from collections.abc import Iterator
from pathlib import Path


class OddError(Exception):
    """An error that cannot be rebuilt from its text."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


def add(a: int, b: int) -> int:
    return a + b


def process_id() -> int:
    return os.getpid()


def secret(name: str) -> str | None:
    return os.environ.get(name)


def fail(text: str) -> None:
    raise ValueError(text)


def fail_oddly() -> None:
    raise OddError("one", "two")


def spin() -> None:
    while True:
        pass


def hoard() -> None:
    held = []
    while True:
        held.append(bytearray(1024 * 1024))


def pages(most: int, mark: str) -> Iterator[tuple[int, bytes]]:
    """Numbered pages of 64 KiB; the file `mark` tells how far it came."""
    for number in range(most):
        Path(mark).write_text(str(number))
        yield number, bytes(64 * 1024)


def chatter() -> str:
    print("this is for nobody")  # noqa: T201
    return "heard"


def wait_for_file(name: str) -> str:
    """Return once the file is there."""
    while not Path(name).exists():
        time.sleep(0.005)
    return name
