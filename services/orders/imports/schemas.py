"""Wire shapes of order imports."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from services.orders.imports.rules import DEFAULT_MAPPING
from shared.values.fields import Code, CurrencyCode, Entries, Flag, ShortText, Timestamp, WireInput, WireModel

_OF_CREATED: Final = "Of customers that are created; others stay as they are (`customer_kept`)."


def _column(field: str, description: str) -> Any:  # noqa: ANN401 - a field
    return Field(default=DEFAULT_MAPPING[field], description=description)


class ImportMapping(WireInput):
    """Our field → the file's column. A field that is not named has a column of our name, or none.

    What an order has once (customer, date, currency, addresses) its rows say alike, or leave empty.
    """

    order_ref: ShortText = _column("order_ref", "Rows of one reference are one order, its `external_ref`.")
    sku: ShortText = _column("sku", "The product.")
    description: ShortText = _column(
        "description", "What the line says; the name of a product that is created."
    )
    quantity: ShortText = _column("quantity", "Above zero.")
    unit_price: ShortText = _column("unit_price", "The product's where it is empty.")
    discount_percent: ShortText = _column("discount_percent", "0 to 100: `5`, `5.5` or `5%`.")
    customer_ref: ShortText = _column(
        "customer_ref", "The customer's `external_ref`. A file without this column names customers by e-mail."
    )
    customer_name: ShortText = _column("customer_name", _OF_CREATED)
    customer_email: ShortText = _column("customer_email", _OF_CREATED)
    customer_phone: ShortText = _column("customer_phone", _OF_CREATED)
    country: ShortText = _column("country", f"The customer's: an ISO 3166 code, or a name. {_OF_CREATED}")
    billing_line1: ShortText = _column("billing_line1", f"With `billing_city` and `country`. {_OF_CREATED}")
    billing_line2: ShortText = _column("billing_line2", _OF_CREATED)
    billing_city: ShortText = _column("billing_city", _OF_CREATED)
    billing_region: ShortText = _column("billing_region", _OF_CREATED)
    billing_postal_code: ShortText = _column("billing_postal_code", _OF_CREATED)
    ship_to_line1: ShortText = _column("ship_to_line1", "With `ship_to_city` and `ship_to_country`.")
    ship_to_line2: ShortText = _column("ship_to_line2", "As in `ship_to`.")
    ship_to_city: ShortText = _column("ship_to_city", "As in `ship_to`.")
    ship_to_region: ShortText = _column("ship_to_region", "As in `ship_to`.")
    ship_to_postal_code: ShortText = _column("ship_to_postal_code", "As in `ship_to`.")
    ship_to_country: ShortText = _column("ship_to_country", "An ISO 3166 code, or a name.")
    currency: ShortText = _column("currency", "The order's; the option's where it is empty.")
    shipping_charge: ShortText = _column(
        "shipping_charge", "The order's charge for shipping, once, with tax where its prices have it."
    )
    ordered_at: ShortText = _column(
        "ordered_at", "A day, or a moment; of the tenant's clock without an offset."
    )


class ImportOptions(WireInput):
    """How a file is read and what is done with its orders."""

    format: Annotated[
        Literal["csv", "jsonl", "xlsx"], Field(description="`xlsx` is a workbook of a spreadsheet program.")
    ] = "csv"
    encoding: Annotated[
        Literal["utf-8", "latin-1", "windows-1252", "utf-16"],
        Field(description="Of CSV. A byte-order mark in the file counts more."),
    ] = "utf-8"
    delimiter: Annotated[
        Literal[",", ";", "tab", "auto"],
        Field(
            description="Of CSV. `auto`: what a first line `sep=` says, else that by which the header has the "
            "columns of order_ref, sku and quantity."
        ),
    ] = "auto"
    decimal: Annotated[
        Literal[".", ","],
        Field(
            description="The decimal sign of numbers in texts. Never guessed: what could be two numbers, as `1,234` "
            "under `.`, is refused (`number_ambiguous`)."
        ),
    ] = "."
    sheet: Annotated[
        ShortText | None,
        Field(description="Of a workbook; without it the first sheet that is not hidden."),
    ] = None
    mapping: ImportMapping = Field(default_factory=ImportMapping)
    date_format: Annotated[
        ShortText | None,
        Field(description="As in C's strptime; without it ISO 8601. Cells that are dates need none."),
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
    """What became of one row. Rows count from 1, the header not counted, blank ones counted.

    `code` and `message` say why it was refused or skipped, and what to do; of an imported row what is to be known.
    """

    row: int
    order_ref: str | None
    status: str
    code: str | None
    message: str | None
    order_id: UUID | None
