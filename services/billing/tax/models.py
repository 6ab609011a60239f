"""Tables of tax codes."""

from decimal import Decimal

from sqlalchemy import Numeric, Text, UniqueConstraint
from sqlmodel import Field

from services.billing.base import BillingRow
from shared.database.effective_dates import EffectiveDates


class TaxCode(BillingRow, EffectiveDates, table=True):
    """A rate with the time it holds; the same code may come again for other days, never twice for one."""

    __tablename__ = "tax_codes"
    __table_args__ = (UniqueConstraint("tenant_id", "code", "valid_from", name="tax_codes_code_key"),)

    code: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    category: str = Field(sa_type=Text)
    rate: Decimal = Field(sa_type=Numeric)
