"""The billing service's manifest."""

from services.billing.ledger import actions as ledger
from shared.context.tax_code_seeds import seed_tax_codes
from shared.service.manifest import Service

SERVICE = Service(
    "billing",
    "services.billing",
    title="Billing",
    capabilities=(
        "ledger", "tax", "invoices", "payments", "credit_notes", "posting_exceptions", "reports", "documents",
    ),
    provision=(ledger.provision, seed_tax_codes),
)  # fmt: skip
