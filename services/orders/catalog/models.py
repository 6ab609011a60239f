"""Tables of the catalogue."""

from datetime import date
from decimal import Decimal

from sqlalchemy import Numeric, Text, UniqueConstraint, text
from sqlmodel import Field

from services.orders.base import OrdersRow
from shared.database.term_tables import term_table
from shared.values.prices import UnitPrice
from shared.values.units import PIECE


class Product(OrdersRow, table=True):
    """Something for sale. `tracked` products have stock; services and the like have none."""

    __tablename__ = "products"
    __table_args__ = (UniqueConstraint("tenant_id", "sku", name="products_sku_key"),)

    sku: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    unit_price_minor: Decimal = Field(sa_type=Numeric)
    currency: str = Field(sa_type=Text)
    tax_code: str = Field(sa_type=Text)
    tracked: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})
    unit: str = Field(default=PIECE, sa_type=Text, sa_column_kwargs={"server_default": text("'C62'")})

    @property
    def unit_price(self) -> UnitPrice:
        """What one of it costs unless the order says otherwise."""
        return UnitPrice(self.unit_price_minor, self.currency)


PRODUCT_TERMS = term_table(OrdersRow.metadata, "product_terms", "product_id")


class TaxCode(OrdersRow, table=True):
    """The copy of one of billing's tax codes, as old as `version` says."""

    __tablename__ = "tax_codes"
    __table_args__ = (UniqueConstraint("tenant_id", "code", "valid_from", name="tax_codes_code_key"),)

    code: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    category: str = Field(sa_type=Text)
    rate: Decimal = Field(sa_type=Numeric)
    valid_from: date
    valid_to: date | None = Field(default=None)
