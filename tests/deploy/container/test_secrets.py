"""The secrets of a Compose installation: made once, replaced by what is given, read by whom they are for."""

import base64
import hashlib
import json
import os
from pathlib import Path

import pytest

from deploy.container import secrets as compose_secrets
from gateway.identity.signing import derived_seal
from services.all import NAMES
from shared.database.rls import app_role, role_password
from shared.database.sealing import Keyring

PROCESSES = (*NAMES, "gateway")
OWN = {
    f"{name}/{file}"
    for name in PROCESSES
    for file in (
        "backoffice_amqp_url", f"backoffice_password_{name}_app", f"backoffice_password_{name}_worker"
    )
}  # fmt: skip
FILES = OWN | {
    "database/password", "database/backoffice_database_url", "broker/password", "broker/definitions.json",
    "services/backoffice_role_secret", "services/backoffice_amqp_url",
    "sealing/backoffice_sealing_keys_billing", "billing/backoffice_sealing_keys_billing",
    "sealing/backoffice_sealing_keys_people", "hr/backoffice_sealing_keys_people",
    "payroll/backoffice_sealing_keys_people",
    "gateway/backoffice_signing_seal",
    "operator/backoffice_admin_client_id", "operator/backoffice_admin_client_secret",
}  # fmt: skip


@pytest.fixture
def volumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The volumes, for readers whose group we are in ourselves."""
    for name in ("database", "broker", "services", "sealing", "operator", *PROCESSES):
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
             "sealing/backoffice_sealing_keys_billing", "sealing/backoffice_sealing_keys_people",
             "gateway/backoffice_signing_seal",
             "operator/backoffice_admin_client_secret", *sorted(f for f in OWN if "password" in f))  # fmt: skip
    secrets = [first[n] for n in names]
    assert len(set(secrets)) == len(names)
    assert len(Keyring.parse(first["sealing/backoffice_sealing_keys_billing"], service="billing").ids) == 1
    assert min(map(len, secrets)) > 40


def test_what_a_process_is_given_is_nobody_elses_but_the_brokers_address_and_keys_for_both(
    volumes: Path,
) -> None:
    compose_secrets.prepare(volumes, {})
    found = contents(volumes)

    for name in PROCESSES:
        own = {secret for file, secret in found.items() if file.startswith(f"{name}/")}
        others = {
            secret for file, secret in found.items() if file.split("/")[0] in (*PROCESSES, "operator", "services")
            and not file.startswith(f"{name}/")
        }  # fmt: skip
        common = {found["services/backoffice_amqp_url"]}
        if name in ("hr", "payroll"):  # what hr tells payroll sealed
            common.add(found["sealing/backoffice_sealing_keys_people"])
        assert own & others == common


def test_an_installation_of_before_keeps_its_role_secret_and_its_keys_are_billings(volumes: Path) -> None:
    key = "YSBzZWFsaW5nIGtleSBmb3IgdGVzdHM6IDMyIGJ5dGU"
    (volumes / "services" / "backoffice_role_secret").write_text("of before\n")
    (volumes / "sealing" / "backoffice_sealing_keys").write_text(f"{key}\n")
    compose_secrets.prepare(volumes, {})
    found = contents(volumes)

    assert found["billing/backoffice_sealing_keys_billing"] == key
    assert found["orders/backoffice_password_orders_app"] == role_password("of before", app_role("orders"))
    assert found["gateway/backoffice_signing_seal"] == derived_seal("of before")
    rotated = {"BACKOFFICE_SEALING_KEYS_BILLING": f"other,{key}", "BACKOFFICE_SEALING_KEYS": key}
    compose_secrets.prepare(volumes, rotated)
    assert contents(volumes)["billing/backoffice_sealing_keys_billing"] == f"other,{key}"


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


def test_a_mail_servers_address_is_given_to_the_services_as_long_as_it_is_said(volumes: Path) -> None:
    file = "backoffice_smtp_url"
    compose_secrets.prepare(volumes, {"BACKOFFICE_SMTP_URL": "smtps://me:mine@smtp.example.com"})
    given = {name for name, secret in contents(volumes).items() if secret.startswith("smtps:")}
    compose_secrets.prepare(volumes, {"BACKOFFICE_SMTP_URL": ""})

    assert given == {f"services/{file}", *(f"{name}/{file}" for name in NAMES)}
    assert contents(volumes).keys() == FILES


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
