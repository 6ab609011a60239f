# ruff: noqa: ASYNC240 - nothing else runs on the loop of these tests
"""The embedded PostgreSQL keeps its data through everything that happens to a process on a laptop."""

import asyncio
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from shared.embedded import host
from shared.embedded import server as embedded
from shared.embedded.server import EmbeddedError, EmbeddedPostgres
from tests.deploy.conftest import Spawn, eventually, line_from

START = (
    "from pathlib import Path; from shared.embedded import server as embedded\n"
    "pg = embedded.start(Path({data_dir!r}))\n"
)
START_AND_HOLD = START + "print('up', flush=True); import time; time.sleep(600)"
# Waits for the signal itself: as an exception, one that comes just before a sleep is seen when the sleep is over.
START_AND_AWAIT_CTRL_C = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    + START
    + "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT]); print('up', flush=True)\n"
    "signal.sigwait([signal.SIGINT]); print('interrupted', flush=True)\n"
)

# What the shell, pg_ctl and the server themselves put there.
POSTGRES_OWN = ("PWD", "SHLVL", "_", "OLDPWD", "PG_GRANDPARENT_PID", "PGLOCALEDIR", "PGSYSCONFDIR", "PGDATA")

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes accounts")


async def query(server: EmbeddedPostgres, statement: str) -> Any:
    connection = await asyncpg.connect(server.url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def given_a_note(server: EmbeddedPostgres) -> None:
    await query(server, "create table note as select 'kept' as text")


async def the_note(server: EmbeddedPostgres) -> str:
    return str(await query(server, "select text from note"))


def postmaster(server: EmbeddedPostgres) -> int:
    return int((server.log_file.parent / "postmaster.pid").read_text().splitlines()[0])


def processes_naming(path: Path) -> list[int]:
    found = [(it.pid, " ".join(it.info["cmdline"] or ())) for it in psutil.process_iter(["cmdline"])]
    return [pid for pid, arguments in found if str(path) in arguments and "initdb" in arguments]


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="Linux only")
async def test_the_servers_processes_give_way_to_the_suite_and_the_suite_does_not(data_dir: Path) -> None:
    before = os.sched_getscheduler(0)

    server = embedded.start(data_dir)

    assert os.sched_getscheduler(postmaster(server)) == os.SCHED_BATCH
    assert os.sched_getscheduler(0) == before


async def test_where_the_policy_is_refused_the_server_starts_all_the_same(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setscheduler", refuse, raising=False)

    assert await query(embedded.start(data_dir), "select 1") == 1


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="Linux only")
async def test_the_server_has_none_of_our_secrets_in_its_environment(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BACKOFFICE_ROLE_SECRET", "BACKOFFICE_SEALING_KEYS", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD"):
        monkeypatch.setenv(name, "not for the database")
    monkeypatch.setenv("TZ", "Europe/Berlin")

    server = embedded.start(data_dir)

    # By the server itself: in a container not even root may look into another account's process.
    read = f"select pg_read_binary_file('/proc/{postmaster(server)}/environ')"
    environment = (await query(server, read)).decode().split("\0")
    names = {line.partition("=")[0] for line in environment if line}
    assert names <= {*host.KEPT_ENVIRONMENT, "HOME", "LC_ALL", "PGCONNECT_TIMEOUT", *POSTGRES_OWN}
    assert "TZ=Europe/Berlin" in environment
    assert not any("not for the database" in line for line in environment)


async def test_a_new_cluster_is_utf8_with_checksums_and_durable(data_dir: Path) -> None:
    server = embedded.start(data_dir)

    facts = {
        name: await query(server, f"select current_setting('{name}')")
        for name in ("server_encoding", "data_checksums", "fsync", "synchronous_commit", "listen_addresses")
    }

    assert facts == {
        "server_encoding": "UTF8",
        "data_checksums": "on",
        "fsync": "on",
        "synchronous_commit": "on",
        "listen_addresses": "",
    }
    assert await query(server, "select version()") >= "PostgreSQL 18"
    assert await query(server, "select lower('ÅÉ') || upper('ß')") == "åéß"


async def test_only_the_server_account_and_root_reach_the_socket(data_dir: Path) -> None:
    server = embedded.start(data_dir)

    assert server.socket_dir.stat().st_mode & 0o077 == 0
    assert server.log_file.parent.stat().st_mode & 0o077 == 0


async def test_a_restart_finds_the_data(data_dir: Path) -> None:
    server = embedded.start(data_dir)
    await given_a_note(server)
    server.stop()
    server.stop()

    again = embedded.start(data_dir)

    assert await the_note(again) == "kept"


async def test_settings_count_from_the_next_start(data_dir: Path) -> None:
    embedded.start(data_dir).stop()

    server = embedded.start(data_dir, settings={"application_name": "it's a \\ name", "fsync": "off"})

    assert await query(server, "show fsync") == "off"
    assert "it's a \\ name" in await query(
        server, "select setting from pg_file_settings where name = 'application_name'"
    )


async def test_a_start_attaches_to_the_server_of_a_killed_process(data_dir: Path, spawn: Spawn) -> None:
    owner = spawn(START_AND_HOLD.format(data_dir=str(data_dir)))
    assert line_from(owner) == "up"
    owner.kill()
    owner.wait()
    before = eventually(lambda: embedded.start(data_dir))
    pid = postmaster(before)
    await given_a_note(before)

    attached = embedded.start(data_dir)

    assert postmaster(attached) == pid
    assert await the_note(attached) == "kept"


async def test_starts_at_the_same_moment_share_one_server(data_dir: Path) -> None:
    servers = await asyncio.gather(*(asyncio.to_thread(embedded.start, data_dir) for _ in range(3)))

    assert len({(server.url, postmaster(server)) for server in servers}) == 1


async def test_a_server_killed_with_its_clients_connected_recovers(data_dir: Path) -> None:
    server = embedded.start(data_dir)
    await given_a_note(server)
    client = await asyncpg.connect(server.url)
    os.kill(postmaster(server), signal.SIGKILL)

    again = embedded.start(data_dir)

    assert await the_note(again) == "kept"
    client.terminate()


async def test_a_pid_file_whose_number_now_belongs_to_another_process_is_no_obstacle(data_dir: Path) -> None:
    server = embedded.start(data_dir)
    await given_a_note(server)
    os.kill(postmaster(server), signal.SIGKILL)
    account = server._site.account
    bystander = subprocess.Popen(["sleep", "600"], user=account.uid if account.differs else None)  # noqa: ASYNC220
    lock = server.socket_dir / f".s.PGSQL.{server.port}.lock"
    for pid_file in (server.log_file.parent / "postmaster.pid", lock):
        recorded = pid_file.read_text().splitlines()[1:]
        host.write_owned(pid_file, "\n".join([str(bystander.pid), *recorded, ""]), account)

    server.stop()
    again = embedded.start(data_dir)

    assert await the_note(again) == "kept"
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


@pytest.mark.parametrize("initdb_dies_too", [True, False])
async def test_an_interrupted_initdb_is_repaired(data_dir: Path, spawn: Spawn, initdb_dies_too: bool) -> None:
    owner = spawn(START_AND_HOLD.format(data_dir=str(data_dir)))
    eventually(lambda: list(data_dir.glob(".making-*/PG_VERSION")))
    owner.kill()
    owner.wait()
    for pid in processes_naming(data_dir) if initdb_dies_too else []:
        os.kill(pid, signal.SIGKILL)
    assert not (data_dir / "cluster").exists()

    server = embedded.start(data_dir)

    assert await query(server, "select 1") == 1
    eventually(lambda: not processes_naming(data_dir))


def test_a_cluster_of_another_major_version_is_refused_untouched(data_dir: Path) -> None:
    server = embedded.start(data_dir)
    server.stop()
    (server.log_file.parent / "PG_VERSION").write_text("17\n")

    with pytest.raises(EmbeddedError, match="made by PostgreSQL 17; this release brings 18"):
        embedded.start(data_dir)

    assert (server.log_file.parent / "PG_VERSION").read_text() == "17\n"


def test_a_failed_start_shows_the_end_of_the_log(data_dir: Path) -> None:
    with pytest.raises(EmbeddedError, match="did not start") as failure:
        embedded.start(data_dir, settings={"shared_buffers": "plenty"})

    assert 'invalid value for parameter "shared_buffers": "plenty"' in str(failure.value)


@pytest.mark.parametrize("started_in", ["foreground", "background"])
async def test_ctrl_c_reaches_us_and_not_the_server(data_dir: Path, spawn: Spawn, started_in: str) -> None:
    """A shell without job control starts its background jobs with SIGINT ignored, and their children inherit that."""
    ours = signal.SIG_IGN if started_in == "background" else signal.default_int_handler
    usual = signal.signal(signal.SIGINT, ours)
    terminal = spawn(START_AND_AWAIT_CTRL_C.format(data_dir=str(data_dir)))
    signal.signal(signal.SIGINT, usual)
    assert line_from(terminal) == "up"
    server = embedded.start(data_dir)
    pid = postmaster(server)

    os.killpg(terminal.pid, signal.SIGINT)

    assert line_from(terminal) == "interrupted"
    assert os.getpgid(pid) != terminal.pid
    assert postmaster(embedded.start(data_dir)) == pid


async def test_a_long_path_gets_its_socket_in_a_short_folder(folder: Path) -> None:
    server = embedded.start(folder / ("long" * 20) / "data")

    assert server.socket_dir.parent == Path("/tmp")
    assert server.socket_dir.stat().st_mode & 0o077 == 0
    assert await query(server, "select 1") == 1


def test_a_link_laid_where_the_socket_would_go_is_refused(folder: Path) -> None:
    data_dir = folder / ("long" * 20) / "data"
    first = embedded.start(data_dir)
    first.stop()
    shutil.rmtree(first.socket_dir)
    first.socket_dir.symlink_to(folder)

    with pytest.raises(EmbeddedError, match="is not a folder of"):
        embedded.start(data_dir)

    first.socket_dir.unlink()


@as_root
async def test_root_finds_its_data_again_below_a_folder_only_root_enters(folder: Path) -> None:
    folder.chmod(0o700)
    data_dir = folder / "data"
    server = embedded.start(data_dir)
    await given_a_note(server)
    server.stop()

    again = embedded.start(data_dir)

    home = Path((data_dir / host.POINTER_NAME).read_text().strip())
    assert home.parent == host.SYSTEM_ROOT / "clusters"
    assert await the_note(again) == "kept"
    embedded.destroy(data_dir)
    assert not home.exists()
    assert folder.stat().st_mode & 0o777 == 0o700


@as_root
def test_a_pointer_does_not_send_root_elsewhere(folder: Path, data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / host.POINTER_NAME).write_text(f"{folder}\n")

    with pytest.raises(EmbeddedError, match="keeps no data"):
        embedded.start(data_dir)

    (data_dir / host.POINTER_NAME).unlink()


@as_root
async def test_root_copies_programs_that_the_account_cannot_reach(folder: Path, spawn: Spawn) -> None:
    programs = host._programs_for(host._dedicated_account())
    hidden, system_root = folder / "hidden", folder / "system"
    hidden.mkdir(mode=0o700)
    package = programs.parents[1]
    for part in (f"{package.name}/{programs.parent.name}", f"{package.name}.libs"):
        shutil.copytree(package.parent / part, hidden / part)
    (hidden / package.name / "__init__.py").touch()
    code = (
        f"from pathlib import Path; from shared.embedded import host, server as embedded\n"
        f"host.SYSTEM_ROOT = Path({str(system_root)!r})\n"
        f"for _ in range(2):\n"
        f"    server = embedded.start(Path({str(folder / 'data')!r})); server.stop()\n"
        f"    print(server._site.programs, flush=True)\n"
    )

    process = spawn(code, PYTHONPATH=f"{hidden}:{Path.cwd()}")

    first, second = line_from(process), line_from(process)
    assert first == second
    assert Path(first).is_relative_to(system_root)
    assert not list(system_root.glob(".copying-*"))
    assert process.wait() == 0


@as_root
async def test_root_serves_a_users_cluster_as_that_user(data_dir: Path) -> None:
    server = embedded.start(data_dir)
    await given_a_note(server)
    server.stop()
    for path in (data_dir, *data_dir.rglob("*")):
        os.chown(path, 65534, 65534)

    again = embedded.start(data_dir)

    assert await the_note(again) == "kept"
    assert again._site.account.uid == 65534
