"""The companies of the demonstration, what they sell, and how their figures are read."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

Json = dict[str, Any]


@dataclass(frozen=True)
class CompanyPlan:
    """A client company of the story, and what it sells at which price."""

    name: str
    legal_name: str
    country: str
    currency: str
    time_zone: str
    products: tuple[tuple[str, str, str], ...]
    customers: tuple[str, ...]


COMPANIES = (
    CompanyPlan(
        "Harbour Tea", "Harbour Tea Ltd", "GB", "GBP", "Europe/London",
        (
            ("TEA-ASSAM", "Assam, loose, 250 g", "6.40"), ("TEA-EARL", "Earl Grey, 50 bags", "4.15"),
            ("TEA-MINT", "Peppermint, 50 bags", "3.95"), ("POT-1L", "Teapot, 1 litre", "24.50"),
            ("CUP-SET", "Cups, set of four", "18.99"), ("TIN-S", "Tea tin, small", "7.25"),
        ),
        ("Ada Byrne", "The Corner Café", "Moss & Daughters", "Leeds Deli", "Hotel Meridian", "P. Okafor"),
    ),
    CompanyPlan(
        "Brückner Werkzeuge", "Brückner Werkzeuge GmbH", "DE", "EUR", "Europe/Berlin",
        (
            ("HAM-500", "Schlosserhammer 500 g", "17.90"), ("ZAN-180", "Kombizange 180 mm", "21.45"),
            ("SET-46", "Steckschlüsselsatz, 46 Teile", "89.00"), ("BIT-32", "Bitsatz, 32 Teile", "14.99"),
            ("LEV-60", "Wasserwaage 60 cm", "26.30"), ("GLV-10", "Handschuhe, Größe 10", "3.49"),
        ),
        ("Tischlerei Özdemir", "Bau-Union Köln", "Fa. Grünwald", "Metall Schulze", "J. Nowak"),
    ),
)  # fmt: skip


@dataclass
class Company:
    """A company at work: its client's connection and what happened so far."""

    plan: CompanyPlan
    tenant_id: str
    client_id: str
    client_secret: str
    api: httpx.AsyncClient
    products: list[Json] = field(default_factory=list)
    customers: list[Json] = field(default_factory=list)
    orders: list[Json] = field(default_factory=list)
    refused: int = 0
    invoices: list[Json] = field(default_factory=list)


UCI_OPTIONS = """{
  "format": "csv", "currency": "GBP", "tax_code": "zero", "tracked": false, "confirm": true,
  "create_missing": ["products", "customers"], "on_error": "skip_order", "date_format": "%m/%d/%y %H:%M",
  "mapping": {"order_ref": "InvoiceNo", "sku": "StockCode", "description": "Description", "quantity": "Quantity",
    "unit_price": "UnitPrice", "customer_ref": "CustomerID", "ordered_at": "InvoiceDate", "country": "Country"}
}"""

ROWS = (
    "orders taken and shipped", "orders refused for lack of stock", "invoices, finalized by themselves", "invoiced",
    "cash received", "still open", "books balance and tie out",
)  # fmt: skip


def cents(money: Json) -> int:
    """An amount in cents; all companies here keep two decimals."""
    return int(money["amount"].replace(".", ""))


def balance_of(figures: dict[str, Json], account: str) -> str:
    """An account's balance by the trial balance's rows, as the table shows it."""
    row = figures.get(account)
    if row is None:
        return "0.00"
    return f"{Decimal(cents(row['debit']) - cents(row['credit'])).scaleb(-2):,}"
