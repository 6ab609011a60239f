"""The billing service's manifest."""

from services.billing.ledger import actions as ledger
from services.billing.tax import actions as tax
from shared.service.manifest import Service

SERVICE = Service(
    "billing",
    "services.billing",
    title="Billing",
    capabilities=(
        "ledger", "tax", "invoices", "payments", "credit_notes", "posting_exceptions", "reports", "documents",
    ),
    provision=(ledger.provision, tax.seed_tax_codes),
)  # fmt: skip
