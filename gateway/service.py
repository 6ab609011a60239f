"""The manifest of the gateway's own resources: tenants, clients, API keys, test clocks."""

from shared.service.manifest import Service

SERVICE = Service(
    "gateway",
    "gateway",
    title="Gateway",
    capabilities=("tenants", "clients", "api_keys", "sandbox", "me"),
)
