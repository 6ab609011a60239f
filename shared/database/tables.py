"""The base of every table class: tenant first, then id, version and times."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, event, text
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlmodel import Field, SQLModel

from shared.values.ids import new_id


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


@event.listens_for(Session, "do_orm_execute")
def _add_tenant_filter(state: ORMExecuteState) -> None:
    """Give the planner the tenant as a value; row-level security stays the backstop."""
    tenant_id = state.session.info.get("tenant_id")
    if tenant_id is not None and state.is_select and not state.is_column_load:
        tables = [m.class_ for m in state.all_mappers if issubclass(m.class_, TenantRow)]
        criteria = (with_loader_criteria(t, t.tenant_id == tenant_id, include_aliases=True) for t in tables)
        state.statement = state.statement.options(*criteria)
