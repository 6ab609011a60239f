"""Reads of changes; whether one waits its approval says."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import select

from services.hr.employees.models import EmployeeChange
from services.hr.employees.queries.rows import get_employee
from services.hr.employees.schemas import ChangeOut
from shared.context.ctx import Ctx
from shared.http.paging import Page, PageQuery, list_rows
from shared.values.faults import NotFound

STATES = "select id, state from approvals where tenant_id = $1 and id = any($2::uuid[])"


async def get_change(ctx: Ctx, employee_id: UUID, change_id: UUID) -> EmployeeChange:
    """One change of an employee."""
    statement = select(EmployeeChange).where(
        EmployeeChange.id == change_id, EmployeeChange.employee_id == employee_id
    )
    row = (await ctx.session.exec(statement)).one_or_none()
    if row is None:
        raise NotFound("change", change_id)
    return row


async def find_change(ctx: Ctx, change_id: UUID) -> EmployeeChange:
    """One change by its id alone."""
    row = (await ctx.session.exec(select(EmployeeChange).where(EmployeeChange.id == change_id))).one_or_none()
    if row is None:
        raise NotFound("change", change_id)
    return row


async def list_changes(ctx: Ctx, employee_id: UUID, page: PageQuery) -> Page[ChangeOut]:
    """An employee's changes, newest first."""
    await get_employee(ctx, employee_id)
    found = await list_rows(ctx, EmployeeChange, page, EmployeeChange.employee_id == employee_id)
    return Page(items=await show_changes(ctx, found.items), next=found.next)


async def show_changes(ctx: Ctx, rows: Sequence[EmployeeChange]) -> list[ChangeOut]:
    """Changes as they are answered, never with sealed values."""
    waiting = [row.approval_id for row in rows if row.approval_id is not None and row.applied_at is None]
    states: dict[UUID, str] = {}
    if waiting:
        states = {row["id"]: row["state"] for row in await ctx.sql.fetch(STATES, ctx.tenant.id, waiting)}
    return [_out(row, states) for row in rows]


def _out(row: EmployeeChange, states: dict[UUID, str]) -> ChangeOut:
    applied = row.applied_at is not None or row.approval_id is None
    facts: dict[str, Any] = row.model_dump(exclude={"facts", "private_id", "tenant_id"})
    state = "applied" if applied else states[row.approval_id]  # type: ignore[index]
    return ChangeOut(**facts, values=row.facts, state=state)
