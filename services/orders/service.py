"""The orders service's manifest."""

from services.orders.catalog import actions as catalog
from services.orders.stock import actions as stock
from shared.service.manifest import Service

SERVICE = Service(
    "orders",
    "services.orders",
    title="Orders",
    capabilities=("catalog", "customers", "stock", "book", "intake", "fulfilment", "imports"),
    provision=(stock.provision, catalog.provision),
)
