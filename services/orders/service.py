"""The orders service's manifest."""

from services.orders.imports.actions.reading import ImportLimits, open_limits
from services.orders.settings import OrdersSettings
from services.orders.stock import actions as stock
from shared.blobs.store import Blobs, open_blobs
from shared.blobs.sweep import EVERY_SECONDS, blobs_reachable, sweep_blobs
from shared.context.tax_code_seeds import seed_tax_codes
from shared.service.manifest import Loop, Service

SERVICE = Service(
    "orders",
    "services.orders",
    title="Orders",
    capabilities=("catalog", "customers", "stock", "book", "intake", "fulfilment", "papers", "imports"),
    provision=(stock.provision, seed_tax_codes),
    settings=OrdersSettings,
    ports={Blobs: open_blobs, ImportLimits: open_limits},
    loops=(Loop("blobs", sweep_blobs, EVERY_SECONDS),),
    probes=(blobs_reachable,),
)
