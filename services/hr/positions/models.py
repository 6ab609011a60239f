"""Tables of positions."""

from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, Integer, Text, UniqueConstraint
from sqlmodel import Field

from services.hr.base import HrRow


class Position(HrRow, table=True):
    """A position with so many places; employments whose terms name its `code` fill them."""

    __tablename__ = "positions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "code", name="positions_code_key"),
        ForeignKeyConstraint(
            ["tenant_id", "reports_to"],
            ["positions.tenant_id", "positions.id"],
            name="positions_reports_to_fkey",
        ),
        Index("positions_reports_to", "tenant_id", "reports_to", "id"),
    )

    code: str = Field(sa_type=Text)
    title: str = Field(sa_type=Text)
    department: str | None = Field(default=None, sa_type=Text)
    reports_to: UUID | None = None
    headcount: int = Field(sa_type=Integer)
