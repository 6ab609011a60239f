"""One real PostgreSQL for a whole test run, shared by its pytest-xdist workers.

The workers find each other through a folder named after the run. Each holds a shared lock on it for as long
as it needs the server; whoever leaves and finds no other lock stops the server. The kernel drops the locks of
a killed worker, so nobody counts wrongly, and the next run sweeps up what a killed run left behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import asyncpg

from shared.embedded import server as embedded
from shared.embedded.host import MAX_SOCKET_PATH, EmbeddedError

SERVER_VARIABLE = "BACKOFFICE_TEST_DATABASE_URL"
KIND_VARIABLE = "BACKOFFICE_TEST_POSTGRES"
CONTAINER = "container"
SETTINGS = {
    # A test's data need not survive a power cut, and waiting for the disk is most of what a commit costs.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_wal_size": "2GB",
    # Each worker keeps its suites' pools open, and a deployment of twenty processes beside them has pools of its own.
    "max_connections": "600",
}


@contextlib.contextmanager
def test_cluster() -> Iterator[str]:
    """The superuser's address of a server for this test run.

    `BACKOFFICE_TEST_DATABASE_URL` names a server of your own; else one is started and, by the last of its
    users, stopped: the embedded one, or with `BACKOFFICE_TEST_POSTGRES=container` one in a container. Import the
    module rather than this name into test modules, or pytest takes it for a test.
    """
    configured = os.environ.get(SERVER_VARIABLE)
    if configured:
        yield configured
        return
    base = _base_directory()
    run = base / (os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex)[:12]
    with _lock(base / "lock"):
        _sweep(base, keep=run)
        presence = _enter(run)
        try:
            url = _started(run)
        except BaseException:
            os.close(presence)
            raise
    try:
        yield url
    finally:
        with _lock(base / "lock"):
            os.close(presence)
            _sweep(base)


def _started(run: Path) -> str:
    """The address of the run's server, which the first of its users starts."""
    kind = os.environ.get(KIND_VARIABLE, "embedded")
    if kind == "embedded":
        return embedded.start(run / "data", settings=SETTINGS).url
    if kind != CONTAINER:
        raise ValueError(f"{KIND_VARIABLE} is {kind!r}; it can be 'embedded' (the default) or '{CONTAINER}'.")
    # Here, since it needs what only development has installed.
    from tests.kit import postgres_container

    return postgres_container.start(run / CONTAINER, settings=SETTINGS)


def database_url(admin_url: str, name: str) -> str:
    """The same server's address with another database in it."""
    parts = urlsplit(admin_url)
    query = f"?{parts.query}" if parts.query else ""
    # Put together by hand: urlunsplit drops the slashes of an address without host.
    return f"{parts.scheme}://{parts.netloc}/{quote(name, safe='')}{query}"


async def create_database(admin_url: str, name: str, template: str | None = None) -> str:
    """Create a database, as a copy of `template` if given, and return its address."""
    # Copying the files is eight times faster than the default, which logs every page of the template.
    copied = f" TEMPLATE {_identifier(template)} STRATEGY FILE_COPY" if template else ""
    await _execute(admin_url, f"CREATE DATABASE {_identifier(name)}{copied}")
    return database_url(admin_url, name)


async def drop_database(admin_url: str, name: str) -> None:
    """Drop a database if it exists, whoever is still connected."""
    await _execute(admin_url, f"DROP DATABASE IF EXISTS {_identifier(name)} WITH (FORCE)")


async def _execute(url: str, statement: str) -> None:
    """Run one statement on a connection of its own: CREATE DATABASE allows no transaction around it."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _identifier(name: str) -> str:
    """Quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def _base_directory() -> Path:
    """This user's folder for test runs. Root's can be passed by the server's account, others' by nobody."""
    short = len(os.fsencode(tempfile.gettempdir())) < MAX_SOCKET_PATH // 3
    base = Path(tempfile.gettempdir() if short else "/tmp") / f"bo-test-{os.geteuid()}"
    with contextlib.suppress(FileExistsError):
        base.mkdir(mode=0o700)
    if base.is_symlink() or not base.is_dir() or base.stat().st_uid != os.geteuid():
        raise EmbeddedError(f"{base} belongs to somebody else. Remove it, then run the tests again.")
    base.chmod(0o711 if os.geteuid() == 0 else 0o700)
    return base


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """One worker at a time starts, stops or sweeps."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _enter(run: Path) -> int:
    """Mark this process as a user of the run's server; closing the descriptor takes the mark away."""
    run.mkdir(exist_ok=True)
    run.chmod(0o711)  # the folder above decides who comes this far
    descriptor = os.open(run / "users", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def _sweep(base: Path, keep: Path | None = None) -> None:
    """Stop and delete every run without users: our own when we were the last, and those of killed runs."""
    for run in base.iterdir():
        if run.is_dir() and run != keep and not _in_use(run):
            # What cannot be swept must not fail the tests that happened to come by; the next run tries again.
            with contextlib.suppress(EmbeddedError, OSError):
                _remove_container(run / CONTAINER)
                embedded.destroy(run / "data")
                shutil.rmtree(run)


def _remove_container(note: Path) -> None:
    """Remove the container of a run that had one."""
    if note.exists():
        from tests.kit import postgres_container

        postgres_container.remove(note)


def _in_use(run: Path) -> bool:
    """Whether a living process holds the run's shared lock."""
    descriptor = os.open(run / "users", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)
