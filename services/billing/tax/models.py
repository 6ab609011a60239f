"""Tables of tax codes."""

from datetime import date
from decimal import Decimal

from sqlalchemy import Numeric, Text, UniqueConstraint
from sqlmodel import Field

from services.billing.base import BillingRow


class TaxCode(BillingRow, table=True):
    """A rate with the time it holds; the same code may come again from a later day on."""

    __tablename__ = "tax_codes"
    __table_args__ = (UniqueConstraint("tenant_id", "code", "valid_from", name="tax_codes_code_key"),)

    code: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    category: str = Field(sa_type=Text)
    rate: Decimal = Field(sa_type=Numeric)
    valid_from: date
    valid_to: date | None = None
