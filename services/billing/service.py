"""The billing service's manifest."""

from services.billing.ledger import actions as ledger
from services.billing.mails.queries import LETTERS
from shared.blobs.store import Blobs, open_blobs
from shared.blobs.sweep import EVERY_SECONDS, blobs_reachable, sweep_blobs
from shared.context.tax_code_seeds import seed_tax_codes
from shared.mail.delivering import EVERY_SECONDS as MAIL_SECONDS
from shared.mail.delivering import deliver_mails
from shared.mail.post import Post, post_office
from shared.service.manifest import Loop, Service

SERVICE = Service(
    "billing",
    "services.billing",
    title="Billing",
    capabilities=(
        "ledger", "tax", "invoices", "payments", "credit_notes", "refunds", "write_offs", "posting_exceptions",
        "wages", "reports", "documents", "statements", "mails",
    ),
    provision=(ledger.provision, seed_tax_codes),
    ports={Blobs: open_blobs, Post: post_office(LETTERS)},
    loops=(Loop("blobs", sweep_blobs, EVERY_SECONDS), Loop("mails", deliver_mails, MAIL_SECONDS)),
    probes=(blobs_reachable,),
)  # fmt: skip
