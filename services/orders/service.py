"""The orders service's manifest."""

from services.orders.imports.actions.reading import ImportLimits, open_limits
from services.orders.mails.queries import LETTERS
from services.orders.settings import OrdersSettings
from services.orders.stock import actions as stock
from shared.blobs.store import Blobs, open_blobs
from shared.blobs.sweep import EVERY_SECONDS, blobs_reachable, sweep_blobs
from shared.context.tax_code_seeds import seed_tax_codes
from shared.mail.delivering import EVERY_SECONDS as MAIL_SECONDS
from shared.mail.delivering import deliver_mails
from shared.mail.post import Post, post_office
from shared.service.manifest import Loop, Service

SERVICE = Service(
    "orders",
    "services.orders",
    title="Orders",
    capabilities=(
        "catalog",
        "customers",
        "stock",
        "book",
        "promises",
        "intake",
        "fulfilment",
        "papers",
        "imports",
        "mails",
    ),
    provision=(stock.provision, seed_tax_codes),
    settings=OrdersSettings,
    ports={Blobs: open_blobs, ImportLimits: open_limits, Post: post_office(LETTERS)},
    loops=(Loop("blobs", sweep_blobs, EVERY_SECONDS), Loop("mails", deliver_mails, MAIL_SECONDS)),
    probes=(blobs_reachable,),
)
