"""Table of pay schedules."""

from datetime import date

from sqlalchemy import Integer, Text, UniqueConstraint
from sqlmodel import Field

from services.payroll.base import PayrollRow


class PaySchedule(PayrollRow, table=True):
    """When people are paid. `anchor` is one of its pay days, from which all others follow."""

    __tablename__ = "pay_schedules"
    __table_args__ = (UniqueConstraint("tenant_id", "name", name="pay_schedules_name_key"),)

    name: str = Field(sa_type=Text)
    pack: str = Field(sa_type=Text)
    frequency: str = Field(sa_type=Text)
    anchor: date
    second_anchor: date | None = None
    pay_day_rule: str = Field(sa_type=Text)
    cut_off_days: int | None = Field(default=None, sa_type=Integer)
    workweek_starts: str = Field(sa_type=Text)
