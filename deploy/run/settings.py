"""Settings of the ways to run, from `BACKOFFICE_…` environment variables."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field

from gateway.settings import GatewaySettings


class Misconfigured(RuntimeError):  # noqa: N818 - a refusal named by its reason
    """A setting is missing or cannot mean anything."""


class DeploySettings(GatewaySettings):
    """Where the suite keeps its data, where a process listens, and where processes find each other."""

    data_dir: Path = Field(
        Path(".data"), description="The embedded database, secrets and credentials live here."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=1, le=65535, description="Port to listen on.")
    reuse_port: bool = Field(
        False,
        description="Let several processes of one machine share the port; the kernel spreads connections.",
    )
    max_connections: int = Field(
        2000, ge=1, description="Connections a process serves at the same time; beyond it 503."
    )
    max_connections_of_address: int = Field(
        1000,
        ge=1,
        description="Of those, the share of one address (an IPv6 caller's /64); trusted proxies have none.",
    )
    body_grace_seconds: float = Field(
        15.0, gt=0, description="How long a request's body may fall behind the rate below; beyond it 408."
    )
    body_bytes_per_second: int = Field(
        4096, ge=1, description="How fast a body must come: n bytes have the grace and n / this seconds."
    )
    reader_seconds: float = Field(
        20.0, gt=0, description="How long a caller may take nothing of its answer before it is cut off."
    )
    upstreams: str = Field(
        "", description="The services behind the gateway: orders=http://orders:8000,billing=http://…"
    )
    gateway_url: str = Field(
        "http://gateway:8000", description="Where services fetch the keys that prove callers."
    )
    boot_seconds: float = Field(
        60.0, ge=0, description="How long a start waits for the database, its schema and the broker."
    )
    leave_seconds: float = Field(
        0.0, ge=0, description="How long a stopping process still answers after /readyz has turned to 503."
    )

    def upstream_urls(self) -> dict[str, str]:
        """The services' base URLs by name."""
        found: dict[str, str] = {}
        for part in self.upstreams.split(","):
            name, _, url = (piece.strip() for piece in part.partition("="))
            parts = urlsplit(url)
            if not name.isidentifier() or parts.scheme != "http" or not parts.hostname or name in found:
                raise Misconfigured(
                    f"BACKOFFICE_UPSTREAMS is {self.upstreams!r}; it names each service once, as in "
                    "orders=http://orders:8000,billing=http://billing:8000."
                )
            found[name] = url
        return found

    def with_blobs_url(self) -> "DeploySettings":
        """These settings with a place for files: the data folder, unless one is named."""
        url = self.blobs_url or (self.data_dir.resolve() / "blobs").as_uri()
        return self.model_copy(update={"blobs_url": url})

    def for_processes(self, *, files: bool = True) -> "DeploySettings":
        """These settings, checked for what processes of their own cannot do without; `files`: one that keeps files."""
        if not self.database_url:
            raise Misconfigured(
                "BACKOFFICE_DATABASE_URL is not set. A process of its own needs a PostgreSQL that the others reach too."
            )
        if files and not self.blobs_url:
            raise Misconfigured(
                "BACKOFFICE_BLOBS_URL is not set. Name the folder (file:///…) or bucket (s3://bucket/prefix) where all "
                "processes of the service keep files."
            )
        return self
