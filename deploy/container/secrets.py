"""The secrets of a Docker Compose installation: `python -m deploy.container.secrets [show]`.

Made up at the first start, each in the volume of those who need it, readable by their group alone; a value given
in the environment (Compose takes it from `.env`) replaces what is there. Runs as root without any capability:
the files stay root's, and whoever may read them does so by group.

    database/   password (PostgreSQL), backoffice_database_url (the migration job)
    broker/     definitions.json (RabbitMQ: the user with the password's hash, and the topology's policies)
    services/   backoffice_role_secret, backoffice_amqp_url (the migration job, and one process that does everything);
                backoffice_smtp_url, as in each service's, where it is given
    sealing/    backoffice_sealing_keys_billing and every other keyring (the same)
    operator/   backoffice_admin_client_id, backoffice_admin_client_secret (the gateway)
    orders/, billing/, gateway/, …: what the processes of each are given, and nobody else (deploy/run/secrets.py)
"""

import base64
import hashlib
import json
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

VOLUMES = Path("/secrets")
POLICIES = Path(__file__).parents[1] / "rabbitmq" / "policies.json"
POSTGRES_GID = 999
RABBITMQ_GID = 999
BACKOFFICE_GID = 10001
USER = "backoffice"


def prepare(volumes: Path, given: Mapping[str, str]) -> None:
    """See to every secret; safe to repeat at each start."""
    database, operator = volumes / "database", volumes / "operator"
    password = _kept(database / "password", given.get("BACKOFFICE_POSTGRES_PASSWORD"), POSTGRES_GID)
    url = f"postgresql://postgres:{quote(password, safe='')}@postgres:5432/backoffice"
    _write(database / "backoffice_database_url", url, BACKOFFICE_GID)

    password = _kept(volumes / "broker" / "password", given.get("BACKOFFICE_RABBITMQ_PASSWORD"), RABBITMQ_GID)
    _write(volumes / "broker" / "definitions.json", broker_definitions(password), RABBITMQ_GID)
    _hand_out(volumes, given, f"amqp://{USER}:{quote(password, safe='')}@rabbitmq:5672/")

    client_id = given.get("BACKOFFICE_ADMIN_CLIENT_ID") or "admin"
    _write(operator / "backoffice_admin_client_id", client_id, BACKOFFICE_GID)
    secret = given.get("BACKOFFICE_ADMIN_CLIENT_SECRET")
    _kept(operator / "backoffice_admin_client_secret", secret, BACKOFFICE_GID)


def _hand_out(volumes: Path, given: Mapping[str, str], amqp_url: str) -> None:
    """The role secret and the keys of sealed columns, and what each process gets of them."""
    from deploy.run.secrets import (
        roots,
        secrets_of_processes,
    )  # it knows the services, and takes seconds to load
    from services.all import NAMES

    services, sealing = volumes / "services", volumes / "sealing"

    def keep(name: str, wanted: str, first: str) -> str:
        folder = sealing if name.startswith("backoffice_sealing_keys") else services
        return _kept(folder / name, wanted, BACKOFFICE_GID, first=first)

    former = sealing / "backoffice_sealing_keys"
    settings = roots(keep, given, former_keys=former.read_text().strip() if former.exists() else "")
    _write(services / "backoffice_amqp_url", amqp_url, BACKOFFICE_GID)
    for folder in (services, *(volumes / name for name in NAMES)):
        _given(folder / "backoffice_smtp_url", given.get("BACKOFFICE_SMTP_URL"))
    for process, files in secrets_of_processes(settings, bus=False).items():
        for name, secret in (files | {"backoffice_amqp_url": amqp_url}).items():
            _write(volumes / process / name, secret, BACKOFFICE_GID)


def broker_definitions(password: str) -> str:
    """What RabbitMQ loads at its start: our policies, and the one user that services connect as."""
    definitions = json.loads(POLICIES.read_text())
    user = {
        "name": USER,
        "password_hash": hashed_for_broker(password),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": [],
    }
    rights = {"user": USER, "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
    return json.dumps(definitions | {"vhosts": [{"name": "/"}], "users": [user], "permissions": [rights]})


def hashed_for_broker(password: str) -> str:
    """RabbitMQ's own form of a salted hash: base64 of salt and SHA-256 of salt and password."""
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _kept(path: Path, given: str | None, gid: int, *, first: str = "") -> str:
    """The secret in a file: the given one, else the one that is there, else `first`, else a new one."""
    secret = given or (path.read_text().strip() if path.exists() else first or secrets.token_urlsafe(32))
    _write(path, secret, gid)
    return secret


def _given(path: Path, secret: str | None) -> None:
    """The secret that is given; where none is, there is none any more."""
    if secret:
        _write(path, secret, BACKOFFICE_GID)
    else:
        path.unlink(missing_ok=True)


def _write(path: Path, content: str, gid: int) -> None:
    """Replace a file as a whole; at no moment can anybody but its owner and the group read it."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(descriptor, "w") as file:
        os.fchown(descriptor, -1, gid)
        os.fchmod(descriptor, 0o440)
        file.write(content + "\n")
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)


def show(volumes: Path) -> None:
    """Print the operator's credentials as JSON, the way `make up` writes them."""
    folder = volumes / "operator"
    names = ("client_id", "client_secret")
    print(json.dumps({name: (folder / f"backoffice_admin_{name}").read_text().strip() for name in names}))


if __name__ == "__main__":
    if sys.argv[1:] == ["show"]:
        show(VOLUMES)
    else:
        prepare(VOLUMES, os.environ)
