"""The secrets of a Compose installation: made once, replaced by what is given, read by whom they are for."""

import base64
import hashlib
import json
import os
from pathlib import Path

import pytest

from deploy.container import secrets as compose_secrets
from shared.database.sealing import Keyring

FILES = {
    "database/password", "database/backoffice_database_url", "broker/password", "broker/definitions.json",
    "services/backoffice_role_secret", "services/backoffice_amqp_url",
    "sealing/backoffice_sealing_keys",
    "operator/backoffice_admin_client_id", "operator/backoffice_admin_client_secret",
}  # fmt: skip


@pytest.fixture
def volumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The five volumes, for readers whose group we are in ourselves."""
    for name in ("database", "broker", "services", "sealing", "operator"):
        (tmp_path / name).mkdir()
    for group in ("POSTGRES_GID", "RABBITMQ_GID", "BACKOFFICE_GID"):
        monkeypatch.setattr(compose_secrets, group, os.getgid())
    return tmp_path


def contents(volumes: Path) -> dict[str, str]:
    return {str(f.relative_to(volumes)): f.read_text().strip() for f in volumes.rglob("*") if f.is_file()}


def test_every_secret_is_made_once_and_kept(volumes: Path) -> None:
    compose_secrets.prepare(volumes, {})
    first = contents(volumes)
    compose_secrets.prepare(volumes, {})
    second = contents(volumes)

    assert first.keys() == FILES
    salted = {"broker/definitions.json"}
    assert {k: v for k, v in first.items() if k not in salted} == {
        k: v for k, v in second.items() if k not in salted
    }
    names = ("database/password", "broker/password", "services/backoffice_role_secret",
             "sealing/backoffice_sealing_keys")  # fmt: skip
    secrets = [first[n] for n in names]
    assert len(set(secrets)) == 4
    assert len(Keyring.parse(first["sealing/backoffice_sealing_keys"], service="billing").ids) == 1
    assert min(map(len, secrets)) > 40


def test_files_are_their_owners_and_their_groups_alone(volumes: Path) -> None:
    compose_secrets.prepare(volumes, {})

    assert {(f.stat().st_mode & 0o777) for f in volumes.rglob("*") if f.is_file()} == {0o440}


def test_what_is_given_replaces_what_was_made_up(volumes: Path) -> None:
    compose_secrets.prepare(volumes, {})
    given = {"BACKOFFICE_ROLE_SECRET": "mine", "BACKOFFICE_RABBITMQ_PASSWORD": "p@ss/w:rd"}
    compose_secrets.prepare(volumes, given | {"BACKOFFICE_ADMIN_CLIENT_ID": ""})
    found = contents(volumes)

    assert found["services/backoffice_role_secret"] == "mine"
    assert found["services/backoffice_amqp_url"] == "amqp://backoffice:p%40ss%2Fw%3Ard@rabbitmq:5672/"
    assert found["operator/backoffice_admin_client_id"] == "admin"


def test_the_broker_gets_policies_and_a_hash_but_no_password(volumes: Path) -> None:
    compose_secrets.prepare(volumes, {"BACKOFFICE_RABBITMQ_PASSWORD": "known"})
    text = (volumes / "broker" / "definitions.json").read_text()
    definitions = json.loads(text)

    (user,) = definitions["users"]
    hashed = base64.b64decode(user["password_hash"])
    assert hashed[4:] == hashlib.sha256(hashed[:4] + b"known").digest()
    assert user["tags"] == []
    assert "known" not in text
    assert definitions["policies"] == json.loads(compose_secrets.POLICIES.read_text())["policies"]


def test_the_operators_credentials_can_be_shown(volumes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = {"BACKOFFICE_ADMIN_CLIENT_ID": "boss", "BACKOFFICE_ADMIN_CLIENT_SECRET": "s3cret"}
    compose_secrets.prepare(volumes, given)

    compose_secrets.show(volumes)

    assert json.loads(capsys.readouterr().out) == {"client_id": "boss", "client_secret": "s3cret"}
