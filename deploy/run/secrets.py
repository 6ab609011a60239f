"""Secrets of an installation: made once, and handed out so that a process holds its own and nothing leads to another's.

Two things are kept where only `migrate` reads them: the role secret, from which the database roles' passwords and the
seal of the gateway's signing keys are made, and the keys of every keyring. Each service and the gateway get what was
made of the first for them, and the keys they seal with.
"""

import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import structlog
from pydantic import SecretStr

from deploy.run.settings import DeploySettings, Misconfigured
from gateway.identity import signing
from gateway.service import SERVICE as GATEWAY
from services.all import KEYRINGS, NAMES
from shared.bus.pg.schema import ROLE as BUS
from shared.database.rls import PREFIX, app_role, password_of, password_setting, worker_role
from shared.database.sealing import SETTING as SEALING_KEYS
from shared.database.sealing import keys_setting
from shared.service.manifest import Service

log = structlog.get_logger()
ROLE_SECRET = "BACKOFFICE_ROLE_SECRET"  # noqa: S105 - the name of a setting
FORMER_KEYRING = "billing"  # whose keys BACKOFFICE_SEALING_KEYS were before keyrings had names
Keep = Callable[
    [str, str, str], str
]  # file, what is given, what it was before: the secret there is from now on


def kept_secret(path: Path, *, first: str = "") -> str:
    """The secret in a file; made at first use (or `first`), readable by its owner alone, never half-written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        secret = first or secrets.token_urlsafe(32)
    draft = _draft(path, secret)
    try:
        os.link(draft, path)  # whoever comes first decides; a second starter reads the first one's
    except FileExistsError:
        secret = path.read_text().strip()
    draft.unlink()
    return secret


def _draft(path: Path, secret: str) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret + "\n")
        file.flush()
        os.fsync(file.fileno())
    return draft


def put_secret(path: Path, secret: str) -> None:
    """Put a secret into a file, in place of whatever is there; readable by its owner alone, never half-written."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _draft(path, secret).replace(path)


def with_role_secret(settings: DeploySettings) -> DeploySettings:
    """The settings with the role secret of this installation, from the environment or its file.

    Who was given passwords needs none.
    """
    if settings.role_secret or settings.passwords:
        return settings
    return settings.model_copy(
        update={"role_secret": SecretStr(kept_secret(settings.data_dir / "role-secret"))}
    )


def with_sealing_keys(settings: DeploySettings, *, embedded_services: bool = False) -> DeploySettings:
    """The settings with the keys of sealed columns of this installation, from the environment or its files.

    The first are made where database or services are embedded. Processes of their own are given theirs: ones that were
    made up here would seal what they cannot open.
    """
    keyrings = dict(settings.keyrings)
    for keyring in _keyrings():
        kept, former = settings.data_dir / f"sealing-keys-{keyring}", _former(settings.data_dir, keyring)
        makes_them = embedded_services or not settings.database_url or kept.exists() or former
        if makes_them and not settings.sealing_keys_of(keyring).strip():
            keyrings[keyring] = SecretStr(kept_secret(kept, first=former))
    return settings.model_copy(update={"keyrings": keyrings})


def _keyrings() -> list[str]:
    return sorted(set(KEYRINGS.values()))


def _former(data_dir: Path, keyring: str) -> str:
    """The one list of keys that there was before keyrings had names."""
    kept = data_dir / "sealing-keys"
    return kept.read_text().strip() if keyring == FORMER_KEYRING and kept.exists() else ""


def roots(keep: Keep, given: Mapping[str, str], *, former_keys: str = "") -> DeploySettings:
    """The role secret and the keys of every keyring: as given, else as kept, else as they were before, else new."""
    role_secret = keep(ROLE_SECRET.lower(), given.get(ROLE_SECRET, ""), "")
    keyrings = {}
    for keyring in _keyrings():
        setting, theirs = keys_setting(keyring), keyring == FORMER_KEYRING
        wanted = given.get(setting) or (given.get(SEALING_KEYS, "") if theirs else "")
        keyrings[keyring] = SecretStr(keep(setting.lower(), wanted, former_keys if theirs else ""))
    return DeploySettings(role_secret=SecretStr(role_secret), keyrings=keyrings)


def own_secrets(name: str, settings: DeploySettings, *, bus: bool) -> dict[str, str]:
    """What the processes of a service, or the gateway, are given of an installation's secrets, by the names of files.

    `bus` says that events go through PostgreSQL, for which all have one role.
    """
    roles = (app_role(name), worker_role(name), *([BUS] if bus else []))
    found = {password_setting(role).lower(): password_of(settings, role) for role in roles}
    if name in KEYRINGS:
        found[keys_setting(KEYRINGS[name]).lower()] = settings.sealing_keys_of(KEYRINGS[name])
    if name == GATEWAY.name:
        role_secret = settings.role_secret.get_secret_value()
        seal = settings.signing_seal.get_secret_value() or signing.derived_seal(role_secret)
        found[signing.SETTING.lower()] = seal
    return found


def secrets_of_processes(settings: DeploySettings, *, bus: bool) -> dict[str, dict[str, str]]:
    """The same for every service and the gateway."""
    return {name: own_secrets(name, settings, bus=bus) for name in (*NAMES, GATEWAY.name)}


def at_hand(settings: DeploySettings, services: Iterable[Service]) -> list[Service]:
    """Those services whose passwords this process has: a command does its work for them."""
    if settings.role_secret:
        return list(services)
    return [each for each in services if worker_role(each.name).removeprefix(PREFIX) in settings.passwords]


def require_secrets(settings: DeploySettings, services: Iterable[Service]) -> None:
    """Refuse to start without the passwords of these services; raises `SecretMissing`, which names the setting."""
    for service in services:
        for role in (app_role(service.name), worker_role(service.name)):
            password_of(settings, role)
        if service is GATEWAY:
            signing.seal_of(settings)
    if not settings.amqp_url:
        password_of(settings, BUS)


def refuse_others_secrets(settings: DeploySettings, service: Service) -> None:
    """A process of one service holds no other's: named ones are refused, what others are made of is warned of."""
    own = {role.removeprefix(PREFIX) for role in (app_role(service.name), worker_role(service.name), BUS)}
    others = [password_setting(name) for name in settings.passwords if name not in own]
    others += [keys_setting(name) for name in settings.keyrings if name != service.keyring]
    if settings.signing_seal and service is not GATEWAY:
        others.append(signing.SETTING)
    if others:
        raise Misconfigured(
            f"{', '.join(sorted(others))}: secrets of other processes, which {service.name} must not have. Give each "
            "process its own (docs/operations.md, Secrets of a process)."
        )
    common = {ROLE_SECRET: settings.role_secret, SEALING_KEYS: settings.sealing_keys}
    if given := [name for name, secret in common.items() if secret]:
        log.warning(
            "secrets from which those of other processes can be made",
            given=given,
            service=service.name,
            advice="the next release refuses them here: docs/operations.md, Secrets of a process",
        )
