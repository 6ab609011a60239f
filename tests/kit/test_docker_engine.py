"""A machine is asked what its Docker can do; that the command is there says nothing of engine and plugin."""

import shutil
from pathlib import Path

import pytest

from tests.kit import docker_engine

ENGINE, COMPOSE = "no engine answers", "no `docker compose`"


@pytest.mark.parametrize(
    ("answering", "lacking", "lacking_without_engine"),
    [
        ("info compose", "", ""),
        ("compose", ENGINE, ""),
        ("info", COMPOSE, COMPOSE),
        ("", ENGINE, COMPOSE),
        (None, "no `docker` command", "no `docker` command"),
    ],
)
def test_what_is_missing_is_found_by_asking(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answering: str | None,
    lacking: str,
    lacking_without_engine: str,
) -> None:
    if answering is not None:
        client = tmp_path / "docker"
        client.write_text(
            f"#!{shutil.which('sh')}\ncase ' {answering} ' in *\" $1 \"*) ;; *) exit 1 ;; esac\n"
        )
        client.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    ask = docker_engine.missing.__wrapped__  # what it remembers is this machine's answer

    found, without_engine = ask(), ask(engine=False)

    assert lacking in found
    assert lacking_without_engine in without_engine
    assert (found == "", without_engine == "") == (lacking == "", lacking_without_engine == "")
