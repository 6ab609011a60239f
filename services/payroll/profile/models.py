"""Table of the employer's profile."""

from typing import Any

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.payroll.base import PayrollRow
from shared.database.sealing import Sealed, SealedColumn


class PayrollProfile(PayrollRow, table=True):
    """What a tenant is as an employer; one row per tenant, under the tenant's own id."""

    __tablename__ = "payroll_profiles"

    bank_account: Sealed | None = Field(default=None, sa_type=SealedColumn)
    bacs_service_user_number: str | None = Field(default=None, sa_type=Text)
    nacha: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    gb: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    us: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
