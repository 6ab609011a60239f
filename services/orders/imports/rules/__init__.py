"""Rules of order imports: what an import is, how a file is split, how its rows become orders."""

from services.orders.imports.rules.files import read_orders
from services.orders.imports.rules.model import (
    BILLING_FIELDS,
    CUSTOMER_FIELDS,
    DEFAULT_MAPPING,
    FIELDS,
    LIFECYCLE,
    SHIP_TO_FIELDS,
    Code,
    FileOrder,
    ImportState,
    Problem,
    Reading,
    Row,
    Step,
    UnreadableFile,
)
from services.orders.imports.rules.options import names_whole_dates
from services.orders.imports.rules.orders import refuse_rest

__all__ = [
    "BILLING_FIELDS",
    "CUSTOMER_FIELDS",
    "DEFAULT_MAPPING",
    "FIELDS",
    "LIFECYCLE",
    "SHIP_TO_FIELDS",
    "Code",
    "FileOrder",
    "ImportState",
    "Problem",
    "Reading",
    "Row",
    "Step",
    "UnreadableFile",
    "names_whole_dates",
    "read_orders",
    "refuse_rest",
]
