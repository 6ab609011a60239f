"""Wire shapes of order imports."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from services.orders.imports.rules import DEFAULT_MAPPING
from shared.values.fields import Code, CurrencyCode, Entries, Flag, ShortText, Timestamp, WireInput, WireModel


class ImportMapping(WireInput):
    """Our field → the file's column. A field that is not named has a column of our name, or none."""

    order_ref: ShortText = DEFAULT_MAPPING["order_ref"]
    sku: ShortText = DEFAULT_MAPPING["sku"]
    description: ShortText = DEFAULT_MAPPING["description"]
    quantity: ShortText = DEFAULT_MAPPING["quantity"]
    unit_price: ShortText = DEFAULT_MAPPING["unit_price"]
    customer_ref: ShortText = DEFAULT_MAPPING["customer_ref"]
    ordered_at: ShortText = DEFAULT_MAPPING["ordered_at"]
    country: ShortText = DEFAULT_MAPPING["country"]


class ImportOptions(WireInput):
    """How a file is read and what is done with its orders."""

    format: Literal["csv", "jsonl"] = "csv"
    encoding: Literal["utf-8", "latin-1", "windows-1252", "utf-16"] = "utf-8"
    mapping: ImportMapping = Field(default_factory=ImportMapping)
    date_format: Annotated[
        ShortText | None, Field(description="As in C's strptime; without it ISO 8601.")
    ] = None
    currency: CurrencyCode | None = None
    tax_code: Code = "standard"
    tracked: Annotated[Flag, Field(description="Whether products that are created are kept in stock.")] = (
        False
    )
    create_missing: Annotated[list[Literal["products", "customers"]], Entries(most=2)] = Field(
        default_factory=list
    )
    confirm: Flag = False
    backorder: Literal["reject", "allow"] = "reject"
    on_error: Literal["skip_order", "reject_all"] = "skip_order"

    @model_validator(mode="after")
    def _columns_differ(self) -> "ImportOptions":
        columns = list(self.mapping.model_dump().values())
        if len(set(columns)) != len(columns):
            raise PydanticCustomError("column_used_twice", "Two fields are mapped to one column")
        return self


class ImportFailure(WireModel):
    """Why an import failed as a whole."""

    code: str
    message: str


class OrderImportOut(WireModel):
    """An import and how far it is."""

    id: UUID
    state: str
    file_name: str
    options: ImportOptions
    rows_total: int
    rows_done: int
    rows_failed: int
    rows_skipped: int
    orders_created: int
    orders_failed: int
    orders_skipped: int
    error: ImportFailure | None
    allowed_actions: list[str]
    version: int
    created_at: Timestamp
    updated_at: Timestamp


class ImportRowOut(WireModel):
    """What became of one row. Rows count from 1, the header not counted."""

    row: int
    order_ref: str | None
    status: str
    code: str | None
    message: str | None
    order_id: UUID | None
