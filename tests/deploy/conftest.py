"""Data directories that disappear with their servers, and other processes to kill."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from shared.embedded import server as embedded

REPOSITORY = Path(__file__).parents[2]

T = TypeVar("T")
Spawn = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short folder others may pass through, unlike pytest's own, which is root's alone when root tests."""
    path = Path(tempfile.mkdtemp(prefix="bo-"))
    path.chmod(0o711)
    yield path
    for data_dir in [lock.parent for lock in path.rglob(".lock")]:
        embedded.destroy(data_dir)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def data_dir(folder: Path) -> Path:
    """A data directory that does not exist yet."""
    return folder / "data"


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Run Python code in another process, with a session of its own as in another terminal."""
    started: list[subprocess.Popen[str]] = []

    def run(code: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
            start_new_session=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def line_from(process: subprocess.Popen[str]) -> str:
    """The next line another process prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def eventually(look: Callable[[], T], seconds: float = 20) -> T:
    """Look until there is something to see."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)
    return seen
