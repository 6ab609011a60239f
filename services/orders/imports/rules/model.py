"""What an import is: its states, the codes of refusals, and a file's orders once read.

Files are read in a process beside the service's: what these rules import is kept small for it.
"""

from collections.abc import Mapping, Sequence
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
LINE_FIELDS = ("sku", "description", "quantity", "unit_price", "discount_percent")
BILLING_FIELDS = ("billing_line1", "billing_line2", "billing_city", "billing_region", "billing_postal_code")
SHIP_TO_FIELDS = (
    "ship_to_line1",
    "ship_to_line2",
    "ship_to_city",
    "ship_to_region",
    "ship_to_postal_code",
    "ship_to_country",
)
CUSTOMER_FIELDS = ("customer_name", "customer_email", "customer_phone", "country", *BILLING_FIELDS)
# What an order has once: its rows say the same of it, or nothing.
ORDER_FIELDS = (
    "customer_ref",
    "ordered_at",
    "currency",
    "shipping_charge",
    *CUSTOMER_FIELDS,
    *SHIP_TO_FIELDS,
)
FIELDS = ("order_ref", *LINE_FIELDS, *ORDER_FIELDS)
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
    """Why a row was refused, or, last, what is to be known of one that was taken."""

    ENCODING = "encoding_invalid"
    SHAPE = "row_shape"
    CELL = "cell_too_long"
    FORMULA = "formula_refused"
    JSON = "json_invalid"
    QUOTE = "quote_unclosed"
    ORDER_REF = "order_ref_missing"
    MANGLED = "reference_mangled"
    SKU = "sku_missing"
    CUSTOMER = "customer_missing"
    CUSTOMER_CONFLICT = "customer_conflict"
    DATE_CONFLICT = "date_conflict"
    CURRENCY_CONFLICT = "currency_conflict"
    SHIP_TO_CONFLICT = "ship_to_conflict"
    CHARGE_CONFLICT = "charge_conflict"
    NEGATIVE = "negative_quantity"
    QUANTITY = "quantity_invalid"
    PRICE = "price_invalid"
    DISCOUNT = "discount_invalid"
    CHARGE = "charge_invalid"
    AMBIGUOUS = "number_ambiguous"
    DATE = "date_invalid"
    TEXT = "text_invalid"
    EMAIL = "email_invalid"
    COUNTRY = "country_unknown"
    CURRENCY = "currency_unknown"
    ADDRESS = "address_incomplete"
    UNKNOWN_SKU = "unknown_sku"
    UNKNOWN_CUSTOMER = "unknown_customer"
    SEVERAL_CUSTOMERS = "customer_ambiguous"
    TOO_MANY = "too_many_rows"
    ORDER = "order_refused"
    DUPLICATE = "already_imported"
    KEPT = "customer_kept"


class Number(str):
    """A number that its file marks as one (a spreadsheet's cell, JSON): written our way, whatever the options say."""

    __slots__ = ()


class Moment(str):
    """A date that its file marks as one: ISO 8601, whatever the options say."""

    __slots__ = ()


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
    discount_percent: Decimal


@dataclass(slots=True)
class FileOrder:
    """The rows that share one order reference; one bad row refuses them all.

    Without a reference it holds rows that belong to no order. Where there are more than `MAX_ROWS_PER_ORDER`, all of
    them refused, they come in several parts: those after the first are `continued`.
    """

    order_ref: str
    customer_ref: str = ""
    ordered_at: datetime | None = None
    head: dict[str, str] = field(default_factory=dict)  # the other `ORDER_FIELDS`, as far as a row names them
    note: str = ""  # what is to be known of it though it was taken
    continued: bool = False
    rows: list[Row] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def counts(self) -> bool:
        """Whether this is an order, or its first part."""
        return bool(self.order_ref) and not self.continued

    def address(self, fields: Sequence[str]) -> dict[str, str]:
        """Some of its address fields, by their names in an address."""
        given = ((name.removeprefix("billing_").removeprefix("ship_to_"), name) for name in fields)
        return {short: self.head[name] for short, name in given if name in self.head}


@dataclass(frozen=True, slots=True)
class Reading:
    """How the file is to be read.

    `digits` are the known currencies' decimals, `countries` the codes of countries by their names in small letters.
    """

    format: str
    mapping: Mapping[str, str]
    time_zone: str
    currency: str
    digits: Mapping[str, int]
    countries: Mapping[str, str]
    encoding: str = "utf-8"
    delimiter: str = "auto"
    decimal: str = "."
    date_format: str | None = None
    sheet: str | None = None


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
