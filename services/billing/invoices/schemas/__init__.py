"""Wire shapes of invoices."""

from services.billing.invoices.schemas.allocating import (
    AllocateIn,
    AllocationIn,
    AllocationOut,
    DeallocateIn,
    DeallocationIn,
    above_zero,
)
from services.billing.invoices.schemas.invoices import (
    CustomerFacts,
    InvoiceChange,
    InvoiceCustomerOut,
    InvoiceIn,
    InvoiceLineIn,
    InvoiceLineOut,
    InvoiceOut,
    InvoiceSettingsChange,
    InvoiceSettingsOut,
    InvoiceSummaryOut,
    SourceRefsIn,
    TotalsOut,
    VoidIn,
)

__all__ = [
    "AllocateIn",
    "AllocationIn",
    "AllocationOut",
    "CustomerFacts",
    "DeallocateIn",
    "DeallocationIn",
    "InvoiceChange",
    "InvoiceCustomerOut",
    "InvoiceIn",
    "InvoiceLineIn",
    "InvoiceLineOut",
    "InvoiceOut",
    "InvoiceSettingsChange",
    "InvoiceSettingsOut",
    "InvoiceSummaryOut",
    "SourceRefsIn",
    "TotalsOut",
    "VoidIn",
    "above_zero",
]
