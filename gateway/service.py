"""The manifest of the gateway's own resources: tenants, clients, API keys, test clocks, lists over all services."""

from shared.service.manifest import Service

SERVICE = Service(
    "gateway",
    "gateway",
    title="Gateway",
    capabilities=("tenants", "clients", "api_keys", "sandbox", "me", "overviews"),
)
