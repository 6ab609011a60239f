"""The secrets of a Docker Compose installation: `python -m deploy.container.secrets [show]`.

Made up at the first start, each in the volume of those who need it, readable by their group alone; a value given
in the environment (Compose takes it from `.env`) replaces what is there. Runs as root without any capability:
the files stay root's, and whoever may read them does so by group.

    database/   password (PostgreSQL), backoffice_database_url (the migration job)
    broker/     definitions.json (RabbitMQ: the user with the password's hash, and the topology's policies)
    services/   backoffice_role_secret, backoffice_amqp_url
    sealing/    backoffice_sealing_keys (services with sealed columns, the migration job)
    operator/   backoffice_admin_client_id, backoffice_admin_client_secret (the gateway)
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
    database, services, operator = volumes / "database", volumes / "services", volumes / "operator"
    password = _kept(database / "password", given.get("BACKOFFICE_POSTGRES_PASSWORD"), POSTGRES_GID)
    url = f"postgresql://postgres:{quote(password, safe='')}@postgres:5432/backoffice"
    _write(database / "backoffice_database_url", url, BACKOFFICE_GID)

    _kept(
        volumes / "sealing" / "backoffice_sealing_keys", given.get("BACKOFFICE_SEALING_KEYS"), BACKOFFICE_GID
    )
    _kept(services / "backoffice_role_secret", given.get("BACKOFFICE_ROLE_SECRET"), BACKOFFICE_GID)
    password = _kept(volumes / "broker" / "password", given.get("BACKOFFICE_RABBITMQ_PASSWORD"), RABBITMQ_GID)
    _write(
        services / "backoffice_amqp_url",
        f"amqp://{USER}:{quote(password, safe='')}@rabbitmq:5672/",
        BACKOFFICE_GID,
    )
    _write(volumes / "broker" / "definitions.json", broker_definitions(password), RABBITMQ_GID)

    client_id = given.get("BACKOFFICE_ADMIN_CLIENT_ID") or "admin"
    _write(operator / "backoffice_admin_client_id", client_id, BACKOFFICE_GID)
    secret = given.get("BACKOFFICE_ADMIN_CLIENT_SECRET")
    _kept(operator / "backoffice_admin_client_secret", secret, BACKOFFICE_GID)


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


def _kept(path: Path, given: str | None, gid: int) -> str:
    """The secret in a file: the given one, else the one that is there, else a new one."""
    secret = given or (path.read_text().strip() if path.exists() else secrets.token_urlsafe(32))
    _write(path, secret, gid)
    return secret


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
