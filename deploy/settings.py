"""Settings of the one-process form, from `BACKOFFICE_…` environment variables."""

from pathlib import Path

from pydantic import Field

from gateway.settings import GatewaySettings


class DeploySettings(GatewaySettings):
    """Where the suite keeps its data and where it listens."""

    data_dir: Path = Field(
        Path(".data"), description="The embedded database, secrets and credentials live here."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=1, le=65535, description="Port to listen on.")
