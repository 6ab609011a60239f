"""Wire shapes of invoices."""

from services.billing.invoices.schemas.allocations import (
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
    InvoiceOut,
    InvoiceSettingsChange,
    InvoiceSettingsOut,
    InvoiceSummaryOut,
    SourceRefsIn,
    VoidIn,
)
from services.billing.invoices.schemas.lines import InvoiceLineIn, InvoiceLineOut, LinesIn, TotalsOut

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
    "LinesIn",
    "SourceRefsIn",
    "TotalsOut",
    "VoidIn",
    "above_zero",
]
