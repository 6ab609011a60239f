"""Tests get one server per run, however many workers there are and however they end."""

from pathlib import Path

import asyncpg
import pytest

from tests.deploy.conftest import Spawn, eventually, line_from
from tests.kit import postgres

WORKER = (
    "import sys\nfrom tests.kit import postgres\n"
    "with postgres.test_cluster() as url:\n    print(url, flush=True); {wait}\n"
    "print('left', flush=True)"
)
SHORTLY = WORKER.format(wait="pass")
FOR_LONG = WORKER.format(wait="import time; time.sleep(600)")
EMBEDDED = {postgres.SERVER_VARIABLE: "", postgres.KIND_VARIABLE: "embedded"}
CONTAINED = {postgres.SERVER_VARIABLE: "", postgres.KIND_VARIABLE: postgres.CONTAINER}


@pytest.mark.parametrize(
    ("admin_url", "expected"),
    [
        (
            "postgresql://postgres@/postgres?host=/a%20b&port=5432",
            "postgresql://postgres@/mine?host=/a%20b&port=5432",
        ),
        ("postgresql://u:p@db.example:5433/postgres", "postgresql://u:p@db.example:5433/mine"),
        ("postgresql:///postgres?host=/run", "postgresql:///mine?host=/run"),
        ("postgresql://u@db.example", "postgresql://u@db.example/mine"),
    ],
)
def test_the_database_in_an_address_is_replaced(admin_url: str, expected: str) -> None:
    assert postgres.database_url(admin_url, "mine") == expected


async def test_a_database_copied_from_a_template_holds_its_tables() -> None:
    with postgres.test_cluster() as admin_url:
        template = await postgres.create_database(admin_url, 'odd "name"/1')
        connection = await asyncpg.connect(template)
        await connection.execute("create table note as select 'copied' as text")
        await connection.close()

        copy = await postgres.create_database(admin_url, "copy_1", 'odd "name"/1')
        connection = await asyncpg.connect(copy)
        found = await connection.fetchval("select text from note")
        await postgres.drop_database(admin_url, "copy_1")  # with the connection still open
        await postgres.drop_database(admin_url, 'odd "name"/1')

    assert found == "copied"
    connection.terminate()


def test_a_server_of_your_own_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(postgres.SERVER_VARIABLE, "postgresql://u@db.example/postgres")

    with postgres.test_cluster() as admin_url:
        assert admin_url == "postgresql://u@db.example/postgres"


def test_workers_of_a_run_share_a_server_and_the_last_one_stops_it(folder: Path, spawn: Spawn) -> None:
    place = {"TMPDIR": str(folder), "PYTEST_XDIST_TESTRUNUID": "run-1", **EMBEDDED}
    first = spawn(FOR_LONG, **place)
    first_url = line_from(first)
    second = spawn(SHORTLY, **place)

    assert line_from(second) == first_url
    assert line_from(second) == "left"
    assert list(folder.glob("bo-test-*/run-1/data"))

    first.kill()
    first.wait()
    third = spawn(SHORTLY, **place)
    assert line_from(third) == first_url
    assert line_from(third) == "left"
    assert not list(folder.glob("bo-test-*/run-1"))


def test_the_next_run_sweeps_up_after_a_killed_one(folder: Path, spawn: Spawn) -> None:
    killed = spawn(FOR_LONG, TMPDIR=str(folder), PYTEST_XDIST_TESTRUNUID="run-1", **EMBEDDED)
    line_from(killed)
    killed.kill()
    killed.wait()

    later = spawn(SHORTLY, TMPDIR=str(folder), PYTEST_XDIST_TESTRUNUID="run-2", **EMBEDDED)

    line_from(later)
    assert line_from(later) == "left"
    eventually(lambda: not list(folder.glob("bo-test-*/run-*")))


def test_a_kind_of_server_that_there_is_not_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.delenv(postgres.SERVER_VARIABLE, raising=False)
    monkeypatch.setenv(postgres.KIND_VARIABLE, "sqlite")

    with pytest.raises(ValueError, match="it can be 'embedded'"), postgres.test_cluster():
        pass


@pytest.mark.docker
async def test_workers_share_a_postgresql_17_in_a_container_which_goes_with_the_last(
    folder: Path, spawn: Spawn
) -> None:
    place = {"TMPDIR": str(folder), "PYTEST_XDIST_TESTRUNUID": "run-1", **CONTAINED}
    first = spawn(FOR_LONG, **place)
    url = line_from(first)
    connection = await asyncpg.connect(url)
    version = await connection.fetchval("show server_version_num")
    await connection.close()
    first.kill()
    first.wait()

    second = spawn(SHORTLY, **place)

    assert int(version) // 10_000 == 17
    assert [line_from(second), line_from(second)] == [url, "left"]
    with pytest.raises(OSError):
        await asyncpg.connect(url)
