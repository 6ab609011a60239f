"""Settings of the gateway, from `BACKOFFICE_…` environment variables."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.base.settings import KernelSettings, NamedNetworks


class GatewaySettings(KernelSettings):
    """What the gateway needs to know beside what every process does."""

    model_config = SettingsConfigDict(env_prefix="BACKOFFICE_", extra="ignore")

    admin_client_id: str = Field(
        "", description="First operator client; empty: `admin` with a made-up secret."
    )
    admin_client_secret: str = Field(
        "", description="Its secret; changing it here changes it at the next start."
    )
    signing_seal: SecretStr = Field(
        SecretStr(""),
        description="What seals signing keys: 32 bytes in URL-safe base64; empty: made of the role secret.",
    )
    provider_name: str = Field("Provider", description="Name of the firm that runs this suite.")
    provider_legal_name: str = Field("Provider", description="Its legal name.")
    provider_country: str = Field("DE", description="Its country; seeds its tax codes.")
    provider_currency: str = Field("EUR", description="The currency of its books.")
    provider_time_zone: str = Field("Europe/Berlin", description="Its time zone.")
    tenant_rate_per_minute: int = Field(60_000, ge=1, description="Requests a tenant may make, sustained.")
    tenant_burst: int = Field(2000, ge=1, description="Requests a tenant may make at once.")
    address_failures_per_minute: int = Field(
        1200,
        ge=1,
        description="Refused authentications of one address before what is refused is told to wait; "
        "valid credentials are served all the same.",
    )
    client_failures_per_minute: int = Field(
        20, ge=1, description="Wrong secrets for one client from one address before it is told to wait."
    )
    trusted_proxies: NamedNetworks = Field(
        "", description="Networks (CIDR, commas) whose X-Forwarded-For is believed."
    )
    trust_trace: bool = Field(False, description="Continue the trace that callers send.")
    request_seconds: float = Field(
        30.0, gt=0, description="How long a request may take, from when its body is here."
    )
    import_seconds: float = Field(300.0, gt=0, description="The same for the upload of a file.")
    tenant_in_hand: int = Field(
        64, ge=1, description="Requests of one tenant that a gateway process answers at the same time."
    )
    spool_dir: str = Field(
        "", description="Folder for bodies that wait to be whole; empty: `bodies` in the data folder."
    )
    spool_bytes: int = Field(
        512 * 1024 * 1024, ge=1024 * 1024, description="Bytes of bodies kept at the same time."
    )
    tenant_spool_bytes: int = Field(
        128 * 1024 * 1024, ge=1024 * 1024, description="Those of one tenant; announced ones count."
    )
    credential_cache_seconds: float = Field(
        10.0,
        gt=0,
        le=30,
        description="How long another gateway process may still honour a revoked credential.",
    )
    access_token_seconds: int = Field(900, ge=60, le=3600, description="Lifetime of access tokens.")
    signing_key_days: int = Field(90, ge=1, description="Age at which signing keys are replaced.")
    provision_seconds: float = Field(
        10.0, gt=0, description="How long a service may take to set a tenant up."
    )
    upstream_start_seconds: float = Field(30.0, ge=0, description="How long a start waits for the services.")
    upstream_refresh_seconds: float = Field(
        60.0, gt=0, description="How often the services' routes are asked for."
    )
    upstream_connections: int = Field(
        200, ge=1, description="Connections to one service at most; one tenant has half of them."
    )
    upstream_waiters: int = Field(
        200, ge=0, description="Requests of a tenant that may wait for one; more are refused at once."
    )
    upstream_queue_seconds: float = Field(1.0, gt=0, description="How long they wait.")
    upstream_connect_seconds: float = Field(1.0, gt=0, description="How long connecting may take.")
    upstream_head_seconds: float = Field(
        15.0,
        gt=0,
        description="How long a service may take to begin its answer; below 12 nobody can wait by `Prefer`.",
    )
    upstream_idle_seconds: float = Field(
        10.0, gt=0, description="How long a service may fall silent within its answer."
    )
    upstream_breaker_failures: int = Field(
        5, ge=1, description="Failed connects in a row after which a service is taken to be away."
    )
    upstream_breaker_seconds: float = Field(
        1.0, gt=0, description="How often it is then tried whether it is back."
    )
