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
    CustomerOut,
    InvoiceChange,
    InvoiceIn,
    InvoiceOut,
    InvoiceSettingsChange,
    InvoiceSettingsOut,
    SourceRefsIn,
    VoidIn,
)
from services.billing.invoices.schemas.lines import InvoiceLineIn, InvoiceLineOut, LinesIn, TotalsOut

__all__ = [
    "AllocateIn",
    "AllocationIn",
    "AllocationOut",
    "CustomerFacts",
    "CustomerOut",
    "DeallocateIn",
    "DeallocationIn",
    "InvoiceChange",
    "InvoiceIn",
    "InvoiceLineIn",
    "InvoiceLineOut",
    "InvoiceOut",
    "InvoiceSettingsChange",
    "InvoiceSettingsOut",
    "LinesIn",
    "SourceRefsIn",
    "TotalsOut",
    "VoidIn",
    "above_zero",
]
