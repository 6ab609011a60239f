"""The base of every table class: tenant first, then id, version and times."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, text
from sqlmodel import Field, SQLModel

from shared.ids import new_id


def _utc_now() -> datetime:
    return datetime.now(UTC)


class TenantRow(SQLModel):
    """Columns every tenant-owned table has. `version` counts changes and is the ETag."""

    tenant_id: UUID = Field(primary_key=True)
    id: UUID = Field(default_factory=new_id, primary_key=True)
    version: int = Field(default=1, sa_type=BigInteger, sa_column_kwargs={"server_default": text("1")})
    created_at: datetime = Field(
        default_factory=_utc_now,
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": text("now()")},
    )
    updated_at: datetime = Field(
        default_factory=_utc_now,
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": text("now()")},
    )


def touch(row: TenantRow, now: datetime) -> None:
    """Count a change of a row: new version (its ETag), new time."""
    row.version += 1
    row.updated_at = now
