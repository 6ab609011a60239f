"""The orders service's manifest."""

from shared.service import Service

SERVICE = Service(
    "orders",
    "services.orders",
    title="Orders",
    capabilities=("catalog", "customers", "stock", "intake", "fulfilment", "imports"),
)
