"""The billing service's manifest."""

from shared.service import Service

SERVICE = Service(
    "billing",
    "services.billing",
    title="Billing",
    capabilities=(
        "ledger", "tax", "invoices", "payments", "credit_notes", "posting_exceptions", "reports", "documents",
    ),
)  # fmt: skip
