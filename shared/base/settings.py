"""Settings every process shares, from `BACKOFFICE_…` environment variables and files of secrets."""

import os
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

SECRETS_DIR = "BACKOFFICE_SECRETS_DIR"


class KernelSettings(BaseSettings):
    """What the kernel needs to know; a service adds its own in its `settings.py`."""

    model_config = SettingsConfigDict(env_prefix="BACKOFFICE_", extra="ignore")

    database_url: str = Field("", description="PostgreSQL of your own; empty means the embedded one.")
    amqp_url: str = Field(
        "", description="RabbitMQ (amqp://…, amqps://…); empty: events go through a table in PostgreSQL."
    )
    role_secret: str = Field(
        "", description="Secret from which the services' database passwords are derived."
    )
    sealing_keys: SecretStr = Field(
        SecretStr(""),
        description="Keys of sealed columns, the newest first: 32 bytes each in URL-safe base64, by lines or commas.",
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
    shutdown_seconds: float = Field(10.0, gt=0, description="How long a stopping process finishes its work.")
    published_retention_hours: int = Field(72, ge=1, description="How long published facts stay listed.")
    idempotency_hours: int = Field(72, ge=24, description="How long an answer is kept under its key.")
    max_body_bytes: int = Field(64 * 1024 * 1024, ge=1024, description="Largest body a service reads.")
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
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_format: str = Field(
        "json", pattern="^(json|console)$", description="json for machines, console for people."
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
        """Arguments, then the environment, then files named like the variables in lower case.

        `BACKOFFICE_SECRETS_DIR` names the folders of those files, with a colon between them, as containers mount
        them: what an environment variable holds is shown by `docker inspect`, what a file holds is not.
        """
        return init_settings, env_settings, SecretsSettingsSource(settings_cls, secrets_dir=_secret_folders())


def _secret_folders() -> list[Path]:
    """The folders of secrets; one that is not there is a mistake, not a place without secrets."""
    folders = [Path(folder) for folder in os.environ.get(SECRETS_DIR, "").split(os.pathsep) if folder]
    for folder in folders:
        if not folder.is_dir():
            raise NotADirectoryError(
                f"{SECRETS_DIR} names {folder}, which is no folder. Mount the secrets there, or take it out."
            )
    return folders
