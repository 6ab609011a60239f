"""What an import is: its states, the codes of refusals, and a file's orders once read.

Files are read in a process beside the service's: what these rules import is kept small for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from shared.context.lifecycle import Lifecycle
from shared.values.faults import Invalid

MAX_CELL = 2_000
MAX_ROWS_PER_ORDER = 1_000
MOST_PRICE_DECIMALS = 6  # of a unit price, whatever its currency has
MAX_RECORD_LINES = 50  # further lines that a quoted cell may span
MAX_RECORD = 1_000_000  # characters of a row, its columns that we do not read counted
FIELDS = (
    "order_ref",
    "sku",
    "description",
    "quantity",
    "unit_price",
    "customer_ref",
    "ordered_at",
    "country",
)
REQUIRED = ("order_ref", "sku", "quantity")
DEFAULT_MAPPING = {name: name for name in FIELDS}


class ImportState(StrEnum):
    """How far an import is."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIFECYCLE = Lifecycle(
    "order_import",
    (ImportState.PENDING, "start", ImportState.RUNNING),
    (ImportState.RUNNING, "finish", ImportState.DONE),
    (ImportState.RUNNING, "fail", ImportState.FAILED),
    (ImportState.PENDING, "cancel", ImportState.CANCELLED),
    (ImportState.RUNNING, "cancel", ImportState.CANCELLED),
    initial=ImportState.PENDING,
    internal=("start", "finish", "fail"),
)


class Code(StrEnum):
    """Why a row was refused."""

    ENCODING = "encoding_invalid"
    SHAPE = "row_shape"
    CELL = "cell_too_long"
    FORMULA = "formula_refused"
    JSON = "json_invalid"
    QUOTE = "quote_unclosed"
    ORDER_REF = "order_ref_missing"
    SKU = "sku_missing"
    CUSTOMER = "customer_missing"
    CUSTOMER_CONFLICT = "customer_conflict"
    NEGATIVE = "negative_quantity"
    QUANTITY = "quantity_invalid"
    PRICE = "price_invalid"
    DATE = "date_invalid"
    TEXT = "text_invalid"
    UNKNOWN_SKU = "unknown_sku"
    UNKNOWN_CUSTOMER = "unknown_customer"
    TOO_MANY = "too_many_rows"
    ORDER = "order_refused"
    DUPLICATE = "already_imported"


class UnreadableFile(Invalid):
    """The file as a whole cannot be read; nothing of it was imported."""

    code = "file_unreadable"


@dataclass(frozen=True, slots=True)
class Problem:
    """One row's refusal."""

    row: int
    code: str
    message: str
    order_ref: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One readable row of an order."""

    number: int
    sku: str
    description: str
    quantity: Decimal
    unit_price: Decimal | None


@dataclass(slots=True)
class FileOrder:
    """The rows that share one order reference; one bad row refuses them all.

    Without a reference it holds rows that belong to no order. Where there are more than `MAX_ROWS_PER_ORDER`, all of
    them refused, they come in several parts: those after the first are `continued`.
    """

    order_ref: str
    customer_ref: str = ""
    ordered_at: datetime | None = None
    country: str = ""
    continued: bool = False
    rows: list[Row] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def counts(self) -> bool:
        """Whether this is an order, or its first part."""
        return bool(self.order_ref) and not self.continued


@dataclass(frozen=True, slots=True)
class Reading:
    """How the file is to be read."""

    format: str
    mapping: Mapping[str, str]
    encoding: str
    date_format: str | None
    time_zone: str
    decimals: int


@dataclass(slots=True)
class Step:
    """Some of a file's orders, dealt with in one transaction, and how many rows there are in the whole file."""

    rows_total: int
    orders: list[FileOrder] = field(default_factory=list)


class RefusedRow(Exception):  # noqa: N818 - a refusal, not an error of ours
    """A row cannot be taken; carries the code and the sentence."""

    def __init__(self, code: Code, message: str, *, order_ref: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.order_ref = order_ref
