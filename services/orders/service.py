"""The orders service's manifest."""

from services.orders.stock import actions as stock
from shared.context.tax_code_seeds import seed_tax_codes
from shared.service.manifest import Service

SERVICE = Service(
    "orders",
    "services.orders",
    title="Orders",
    capabilities=("catalog", "customers", "stock", "book", "intake", "fulfilment", "imports"),
    provision=(stock.provision, seed_tax_codes),
)
