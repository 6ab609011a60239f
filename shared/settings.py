"""Settings every process shares, from `BACKOFFICE_…` environment variables."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


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
    app_pool_size: int = Field(6, ge=1, description="Connections per service for requests and consumers.")
    worker_pool_size: int = Field(3, ge=2, description="Connections per service that look for queued work.")
    poll_seconds: float = Field(
        0.25, gt=0, description="How often queues are looked at when nothing woke us."
    )
    linger_seconds: float = Field(
        0.02, ge=0, description="How long relay and queues gather before they work."
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
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_format: str = Field(
        "json", pattern="^(json|console)$", description="json for machines, console for people."
    )
    otlp_endpoint: str = Field(
        "", description="OpenTelemetry collector (OTLP over HTTP); empty: no spans kept."
    )
    trace_ratio: float = Field(0.01, ge=0, le=1, description="Share of new traces that are recorded.")
