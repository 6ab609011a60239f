"""A private PostgreSQL for one data directory, run from a pip wheel.

`start` makes the cluster on first use, starts its server, or attaches to the server that is already there.
The server listens on a Unix socket only, in a folder nobody but its own account (and root) can enter, and
lives in a session of its own, so that Ctrl-C reaches us first and we can close our connections before it.
It survives `kill -9` of our process, and the next `start` attaches.

A data directory holds `cluster` (PostgreSQL's own, with `server.log` in it), `socket` and `.lock`; called by
root for a folder that the server's account cannot enter, it holds `cluster-location` instead, see
`shared.embedded.host`. The wheel's `PostgresServer` is not used: its lock file is one per machine.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from shared.embedded.cores import giving_way
from shared.embedded.host import (
    MAJOR,
    EmbeddedError,
    Finished,
    Site,
    locate,
    private_directory,
    socket_directory,
    write_owned,
)

PORT = 5432  # only a part of the socket's file name
SUPERUSER = "postgres"
PATIENCE = 300.0  # seconds; crash recovery after a power cut can take a while
LOG_LIMIT = 10_000_000  # bytes
DEAD_PID = 2**31 - 1  # above every kernel's highest

DEFAULTS: Mapping[str, str] = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_compression": "on",
    "min_wal_size": "64MB",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "15min",
    "autovacuum_naptime": "5s",  # young tables: a plan made when they were empty reads a tenant's every row
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass(frozen=True)
class EmbeddedPostgres:
    """A running server."""

    data_dir: Path
    socket_dir: Path
    port: int
    _site: Site = field(repr=False)

    @property
    def url(self) -> str:
        """The superuser's address, in the form asyncpg, libpq and SQLAlchemy accept."""
        return f"postgresql://{SUPERUSER}@/postgres?host={quote(str(self.socket_dir))}&port={self.port}"

    @property
    def log_file(self) -> Path:
        """Where the server writes what went wrong."""
        return self._site.log_file

    def stop(self) -> None:
        """Disconnect everybody, write everything, and return when the server has gone. Twice does no harm."""
        with _locked(self.data_dir):
            if _live_postmaster(self._site) is None:  # never signal a process that only inherited the number
                return
            result = _stop(self._site, "fast")
            if result.returncode != 0 and _live_postmaster(self._site) is not None:
                cause = result.stderr.strip()
                raise EmbeddedError(f"PostgreSQL does not stop: {cause}\n{_log_tail(self._site)}")


def start(data_dir: Path, *, settings: Mapping[str, str] | None = None) -> EmbeddedPostgres:
    """Start the server of `data_dir`, or attach to it if it runs; the cluster is made on first use.

    `settings` override `DEFAULTS` and count when the server starts, not when we attach. Two processes may
    call this at once: one starts, the other attaches. `stop` then stops it for both.
    """
    data_dir = _made(data_dir.expanduser().resolve())
    with _locked(data_dir):
        site = locate(data_dir)
        socket_dir = _attach(site)
        if socket_dir is None:
            effective = {**DEFAULTS, **(settings or {})}
            _ensure_cluster(site, durable=effective["fsync"] != "off")
            socket_dir = socket_directory(site, PORT)
            _configure(site, effective, socket_dir)
            _launch(site, socket_dir)
        return EmbeddedPostgres(data_dir, socket_dir, PORT, site)


def destroy(data_dir: Path) -> None:
    """Stop the server of `data_dir` and delete the folder with all its data, wherever it lies."""
    data_dir = data_dir.expanduser().resolve()
    if not data_dir.is_dir():
        return
    with _locked(data_dir):
        site = locate(data_dir)
        if _live_postmaster(site) is not None:
            _stop(site, "immediate")
        shutil.rmtree(socket_directory(site, PORT), ignore_errors=True)
        shutil.rmtree(site.home, ignore_errors=True)
        shutil.rmtree(data_dir, ignore_errors=True)


def _stop(site: Site, mode: str) -> Finished:
    """Ask the server to go and wait until it has."""
    arguments = ("--wait", f"--timeout={PATIENCE:.0f}", f"--pgdata={site.cluster}", f"--mode={mode}")
    return site.tool("pg_ctl", "stop", *arguments, timeout=PATIENCE + 10)


def _made(data_dir: Path) -> Path:
    """Create the folder, whatever the umask. Root's lets the server's account through, ours lets nobody."""
    if any(sign in str(data_dir) for sign in '"$`\\\n'):
        raise EmbeddedError(f"pg_ctl cannot handle quotes, $ or backslashes in a path: {data_dir}")
    missing = [folder for folder in (data_dir, *data_dir.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    return data_dir


@contextlib.contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    """One start or stop at a time per data directory. The kernel drops the lock of a process that dies."""
    try:
        descriptor = os.open(data_dir / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except PermissionError as error:
        raise EmbeddedError(
            f"{data_dir} is not yours to use (root may have made it). Run as its owner, or choose another "
            "data directory."
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _attach(site: Site) -> Path | None:
    """The socket folder of the server that already runs here, waiting for one that is just coming up."""
    deadline = time.monotonic() + PATIENCE
    while (socket_dir := _live_postmaster(site)) is not None:
        question = ("--no-psqlrc", "--tuples-only", "--no-align", "--command=show data_directory")
        address = (f"--host={socket_dir}", f"--port={PORT}", f"--username={SUPERUSER}", "--dbname=postgres")
        answer = site.tool("psql", *address, *question)
        if answer.returncode == 0 and answer.stdout.strip() == str(site.cluster):
            return socket_dir
        if time.monotonic() > deadline:
            cause = answer.stderr.strip()
            raise EmbeddedError(f"{site.cluster} runs but does not answer: {cause}\n{_log_tail(site)}")
        time.sleep(0.05)
    return None


def _live_postmaster(site: Site) -> Path | None:
    """The socket folder our cluster's server has written down, if that server lives.

    The process must name our cluster on its command line: after a reboot the recorded number may belong to
    anybody, and PostgreSQL itself would take any process of the same account for its predecessor.
    """
    try:
        lines = (site.cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    if len(lines) < 5 or not lines[0].strip().isdigit():
        return None
    if str(site.cluster) not in _command_line(int(lines[0])):
        return None
    return Path(lines[4])


def _command_line(pid: int) -> list[str]:
    """A process's arguments; none if it is gone or a zombie."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_text(errors="surrogateescape").split("\0")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            return []
    listing = subprocess.run(  # noqa: S603 - a number, no shell
        ["/bin/ps", "-p", str(pid), "-o", "args="], capture_output=True, text=True, check=False
    )
    _, _, cluster = listing.stdout.strip().partition(" -D ")
    return [cluster]


def _ensure_cluster(site: Site, *, durable: bool) -> None:
    """Make the cluster if it is missing; refuse one of another major version.

    `initdb` works in a sibling folder which gets its name when complete, so that an interruption leaves
    rubbish to sweep and never half a cluster.
    """
    for rubbish in site.home.glob(".making-*"):
        shutil.rmtree(rubbish, ignore_errors=True)
    if not site.cluster.exists():
        _initialise(site, durable=durable)
    version_file = site.cluster / "PG_VERSION"
    version = version_file.read_text().strip() if version_file.exists() else "of an unknown version"
    if version != str(MAJOR):
        raise EmbeddedError(
            f"{site.cluster} was made by PostgreSQL {version}; this release brings {MAJOR} and leaves it "
            "untouched. Dump it with the release that made it and load the dump here, or name another data "
            "directory."
        )


def _initialise(site: Site, *, durable: bool) -> None:
    """Run `initdb`: UTF-8 with the built-in C.UTF-8 rules, the same on every system, and page checksums."""
    draft = private_directory(site.home / f".making-{secrets.token_hex(4)}", site.account)
    result = site.tool(
        *("initdb", f"--pgdata={draft}", f"--username={SUPERUSER}", "--encoding=UTF8", "--data-checksums"),
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions"),
        # Trust is safe here: the socket is the only door, and only our account and root reach its folder.
        *("--auth=trust",),
        *(() if durable else ("--no-sync",)),
        timeout=PATIENCE,
    )
    if result.returncode != 0:
        raise EmbeddedError(
            f"initdb failed in {site.home}. Check free space and permissions there.\n{result.stderr.strip()}"
        )
    with (draft / "postgresql.conf").open("a") as configuration:
        configuration.write("\ninclude 'backoffice.conf'\n")
    draft.rename(site.cluster)
    descriptor = os.open(site.home, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # the new name must survive a power cut too
    finally:
        os.close(descriptor)


def _configure(site: Site, settings: Mapping[str, str], socket_dir: Path) -> None:
    """Write our settings to a file of their own; what `initdb` found out about the machine stays."""
    listed = str(socket_dir).replace('"', '""')  # a list of names to PostgreSQL, hence the inner quotes
    effective = {**settings, "port": str(PORT), "unix_socket_directories": f'"{listed}"'}
    lines = [f"{name} = '{_escaped(value)}'" for name, value in effective.items()]
    text = "\n".join(["# Written at every start; use ALTER SYSTEM for lasting changes.", *lines, ""])
    write_owned(site.cluster / "backoffice.conf", text, site.account)


def _escaped(value: str) -> str:
    """As postgresql.conf wants it between single quotes."""
    return value.replace("\\", "\\\\").replace("'", "''")


def _launch(site: Site, socket_dir: Path) -> None:
    """Start the server and wait until it takes connections."""
    if (log := site.log_file).exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
    _disown_dead_server(site, socket_dir)
    arguments = ("--wait", f"--timeout={PATIENCE:.0f}", f"--pgdata={site.cluster}", f"--log={log}")
    with giving_way():
        result = site.tool("pg_ctl", "start", *arguments, timeout=PATIENCE + 10)
    if result.returncode != 0:
        raise EmbeddedError(f"PostgreSQL did not start in {site.cluster}.\n{_log_tail(site)}")


def _disown_dead_server(site: Site, socket_dir: Path) -> None:
    """Make a dead server's pid file name a process that cannot exist, and clear its socket.

    The number may by now be somebody else's (or a zombie's), which PostgreSQL takes for a running server.
    The pid file itself stays: its shared memory key is how PostgreSQL finds a dead server's live children.
    """
    pid_file = site.cluster / "postmaster.pid"
    if pid_file.exists():
        _, _, rest = pid_file.read_text().partition("\n")
        write_owned(pid_file, f"{DEAD_PID}\n{rest}", site.account)
    for leftover in socket_dir.glob(".s.PGSQL.*"):
        leftover.unlink()


def _log_tail(site: Site, lines: int = 15) -> str:
    """The end of the server's log, where the cause is."""
    try:
        text = site.log_file.read_text(errors="replace")
    except OSError as error:
        return f"(no server log: {error})"
    return f"The end of {site.log_file}:\n" + "\n".join(text.splitlines()[-lines:])
