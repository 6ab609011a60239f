"""Settings every process shares, from `BACKOFFICE_…` environment variables and files of secrets."""

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from shared.values.networks import require_networks

SECRETS_DIR = "BACKOFFICE_SECRETS_DIR"
PRIVATE = (
    "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7"  # RFC 1918, RFC 4193 and ourselves
)
NamedNetworks = Annotated[str, AfterValidator(require_networks)]
# What there is several of, each by a setting of its own: BACKOFFICE_PASSWORD_ORDERS_APP is passwords["orders_app"].
BY_NAME = {"passwords": "backoffice_password_", "keyrings": "backoffice_sealing_keys_"}


class SecretMissing(RuntimeError):  # noqa: N818 - a refusal named by its reason
    """The process was not given a secret that it cannot do without."""


class KernelSettings(BaseSettings):
    """What the kernel needs to know; a service adds its own in its `settings.py`."""

    model_config = SettingsConfigDict(env_prefix="BACKOFFICE_", extra="ignore")

    database_url: str = Field("", description="PostgreSQL of your own; empty means the embedded one.")
    amqp_url: str = Field(
        "", description="RabbitMQ (amqp://…, amqps://…); empty: events go through a table in PostgreSQL."
    )
    role_secret: SecretStr = Field(
        SecretStr(""),
        description="What passwords derive from that are not given: for `migrate`, `secrets` and `up` alone.",
    )
    passwords: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="Passwords of database roles, each by a setting of its own: BACKOFFICE_PASSWORD_ORDERS_APP.",
    )
    keyrings: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="Keys of sealed columns by keyring (BACKOFFICE_SEALING_KEYS_BILLING), the newest first: 32 bytes "
        "each in URL-safe base64, by lines or commas.",
    )
    sealing_keys: SecretStr = Field(
        SecretStr(""), description="The same for each keyring that has none of its own."
    )
    app_pool_size: int = Field(
        6, ge=1, description="Connections per service for requests and consumers; one tenant has half."
    )
    worker_pool_size: int = Field(3, ge=2, description="Connections per service that look for queued work.")
    poll_seconds: float = Field(2.0, gt=0, description="How often queues are looked at when nothing woke us.")
    linger_seconds: float = Field(
        0.05, ge=0, description="How long relay and queues gather at most while transactions are open."
    )
    relay_batch: int = Field(500, ge=1, description="Facts published at most in one go.")
    consumer_concurrency: int = Field(
        6, ge=1, description="Transactions of events at the same time; each takes what waits of one tenant."
    )
    consumer_attempts: int = Field(8, ge=1, description="Tries before an event is parked as dead.")
    consumer_backoff_seconds: float = Field(
        1.0, gt=0, description="First pause before a retry; doubles, jittered."
    )
    job_places: int = Field(
        2,
        ge=1,
        description="Long jobs of a service at the same time per process; one tenant has half of them.",
    )
    job_retention_hours: int = Field(
        168, ge=1, description="How long a job that is over stays listed, and its result can be fetched."
    )
    shutdown_seconds: float = Field(10.0, gt=0, description="How long a stopping process finishes its work.")
    published_retention_hours: int = Field(72, ge=1, description="How long published facts stay listed.")
    idempotency_hours: int = Field(72, ge=24, description="How long an answer is kept under its key.")
    blobs_url: str = Field(
        "",
        description="Where files are kept: file:///folder or s3://bucket/prefix; empty: in the data folder.",
    )
    blobs_s3_endpoint: str = Field("", description="S3-compatible server (https://…); empty: Amazon's.")
    blobs_s3_region: str = Field("us-east-1", description="The bucket's region.")
    blobs_s3_access_key_id: str = Field(
        "", description="Key of the bucket; empty: the machine's own identity."
    )
    blobs_s3_secret_access_key: str = Field("", description="Its secret.")
    blobs_pending_hours: float = Field(
        24.0,
        gt=0,
        description="How long an upload that nothing refers to stays; a half of it is the longest upload.",
    )
    blobs_deleted_hours: float = Field(
        72.0, ge=0, description="How long a deleted file stays in the store: as long as a backup may take."
    )
    font_folders: str = Field(
        "",
        description="Folders of fonts (colons between them) searched before the system's for letters that ours lack.",
    )
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="The server that takes mails: smtps://user:password@host, or smtp://host:587, which must offer "
        "STARTTLS unless ?starttls=off is said; empty: nothing is sent by mail.",
    )
    smtp_ca_file: str = Field(
        "", description="Authorities (PEM) that its certificate is verified by; empty: the machine's."
    )
    smtp_seconds: float = Field(30.0, gt=0, description="How long it may take to answer a command.")
    mail_from: str = Field(
        "", description="The address that mails are from; needed with BACKOFFICE_SMTP_URL."
    )
    mail_from_name: str = Field(
        "", max_length=100, description="The provider's name, which stands behind the tenant's: `… via Name`."
    )
    mail_attempts: int = Field(
        20, ge=1, description="Tries before a mail that nobody refused counts as bounced."
    )
    mail_backoff_seconds: float = Field(
        30.0, gt=0, description="Pause after a mail's first try; doubles, up to four hours."
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_format: str = Field(
        "json", pattern="^(json|console)$", description="json for machines, console for people."
    )
    metrics_networks: NamedNetworks = Field(
        PRIVATE,
        description="Networks (CIDR, commas) from which /metrics is answered; nobody else is told of it.",
    )
    otlp_endpoint: str = Field(
        "", description="OpenTelemetry collector (OTLP over HTTP); empty: no spans kept."
    )
    trace_ratio: float = Field(0.01, ge=0, le=1, description="Share of new traces that are recorded.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings passes them all
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then files named like the variables in lower case, then what goes by name.

        `BACKOFFICE_SECRETS_DIR` names the folders of those files, with a colon between them, as containers mount
        them: what an environment variable holds is shown by `docker inspect`, what a file holds is not.
        """
        folders = _secret_folders()
        files = SecretsSettingsSource(settings_cls, secrets_dir=folders)
        return init_settings, env_settings, files, _ByName(settings_cls, folders)

    def sealing_keys_of(self, keyring: str) -> str:
        """The keys of a keyring, the newest first; empty where there are none."""
        return (self.keyrings.get(keyring) or self.sealing_keys).get_secret_value()


class _ByName(PydanticBaseSettingsSource):
    """Secrets that go by name: the environment's, then those in files."""

    def __init__(self, settings_cls: type[BaseSettings], folders: list[Path]) -> None:
        super().__init__(settings_cls)
        self._folders = folders

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """Of a field's own name there is none."""
        return None, field_name, False

    def __call__(self) -> dict[str, dict[str, str]]:
        """Whatever begins like the settings of a field."""
        found = {
            file.name: file.read_text().strip()
            for folder in self._folders
            for file in folder.glob("backoffice_*")
        }
        found |= {name.lower(): value for name, value in os.environ.items()}
        return {
            field: {
                name.removeprefix(prefix): value
                for name, value in found.items()
                if name.startswith(prefix) and value
            }
            for field, prefix in BY_NAME.items()
        }


def _secret_folders() -> list[Path]:
    """The folders of secrets; one that is not there is a mistake, not a place without secrets."""
    folders = [Path(folder) for folder in os.environ.get(SECRETS_DIR, "").split(os.pathsep) if folder]
    for folder in folders:
        if not folder.is_dir():
            raise NotADirectoryError(
                f"{SECRETS_DIR} names {folder}, which is no folder. Mount the secrets there, or take it out."
            )
    return folders
