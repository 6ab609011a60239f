"""Employees over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import Field

from services.hr.employees import actions, queries
from services.hr.employees.queries import Employment, Moment, Wanted
from services.hr.employees.rules import EmploymentState
from services.hr.employees.schemas import (
    ApproveChangeIn,
    ChangeIn,
    ChangeOut,
    EmployeeIn,
    EmployeeOut,
    EmploymentIn,
    EmploymentOut,
    EmploymentVerbIn,
    ListedOut,
    RejectChangeIn,
    SummaryOut,
    TerminateIn,
)
from shared.http.finding import Ids, Number, Q, View
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, Router
from shared.http.timeline import TimelineEntry
from shared.values.fields import LocalDate, ShortText, Timestamp

router = Router("Employees")
EmployeePage = Annotated[Page[ListedOut] | Page[SummaryOut], Field(union_mode="left_to_right")]
READ, WRITE, APPROVE = "hr:read", "hr:write", "hr:approve"
AsOf = Annotated[LocalDate | None, Query(description="What holds on this day; today by default.")]
KnownAt = Annotated[Timestamp | None, Query(description="What was known at this instant; now by default.")]


@router.create("/employees", scope=WRITE, response_model=EmployeeOut)
async def create_employee(ctx: CtxDep, body: EmployeeIn) -> EmployeeOut:
    """Hire somebody: the employee with a first employment, which begins on `hire_on`.

    Without a `number` the next one of the company's series is taken. 422 `unknown_manager`; the address, gender, birth
    date, tax ids, bank account and compensation are sealed, and masked in answers to whoever lacks the scope.
    """
    return await actions.hire_employee(ctx, body)


@router.read("/employees", scope=READ, response_model=EmployeePage)
async def list_employees(
    ctx: CtxDep,
    page: PageDep,
    q: Q = None,
    ids: Ids = None,
    number: Number = None,
    state: Annotated[list[EmploymentState] | None, Query()] = None,
    department: Annotated[ShortText | None, Query()] = None,
    position: Annotated[ShortText | None, Query()] = None,
    manager_id: Annotated[UUID | None, Query()] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    view: View = "full",
) -> Page[dict[str, Any]]:
    """Employees on a day, newest first; `q` is what their number or a word of their name or e-mail begins with.

    The filters are those of the day `as_of`, too, by the employment that is current then. `state` may be given several
    times.
    """
    wanted = Wanted(q, ids, number, state, department, position, manager_id)
    found = await queries.list_employees(ctx, page, Moment.of(ctx, as_of, known_at), wanted)
    return queries.summarized(found) if view == "summary" else found


@router.read("/employees/{employee_id}", scope=READ, response_model=EmployeeOut)
async def get_employee(
    ctx: CtxDep, employee_id: UUID, as_of: AsOf = None, known_at: KnownAt = None
) -> EmployeeOut:
    """An employee as of a day, and as was known at an instant; 404 where nothing was known yet."""
    moment = Moment.of(ctx, as_of, known_at)
    return await queries.show_employee(ctx, employee_id, moment, reveal=True)


@router.read("/employees/{employee_id}/employments", scope=READ, response_model=Page[EmploymentOut])
async def list_employments(ctx: CtxDep, employee_id: UUID, page: PageDep) -> Page[Employment]:
    """An employee's employments as they stand now, newest first."""
    return await queries.list_employments(ctx, employee_id, page)


@router.create("/employees/{employee_id}/employments", scope=WRITE, response_model=EmploymentOut)
async def create_employment(ctx: CtxDep, employee_id: UUID, body: EmploymentIn) -> Employment:
    """Engage an employee once more: again (rehire), beside another employment, or as another kind."""
    return await actions.add_employment(ctx, employee_id, body)


@router.read("/employees/{employee_id}/employments/{employment_id}", scope=READ, response_model=EmploymentOut)
async def get_employment(ctx: CtxDep, employee_id: UUID, employment_id: UUID) -> Employment:
    """One employment as it stands now."""
    return await queries.get_own_employment(ctx, employee_id, employment_id)


@router.create("/employees/{employee_id}/changes", scope=WRITE, response_model=ChangeOut)
async def create_change(ctx: CtxDep, employee_id: UUID, body: ChangeIn) -> ChangeOut:
    """Have fields hold from `effective_on` on, in the past or to come, until the next change that sets the same field.

    With a `bank_account` it is `pending` until somebody else approves it, as a whole; what was there holds on. 409
    `manager_cycle` where on some day somebody would be above themselves. `employment_id` is needed for terms of an
    employee who has several employments.
    """
    return await actions.change_employee(ctx, employee_id, body)


@router.read("/employees/{employee_id}/changes", scope=READ, response_model=Page[ChangeOut])
async def list_changes(ctx: CtxDep, employee_id: UUID, page: PageDep) -> Page[ChangeOut]:
    """An employee's changes, newest first: who, when, which fields, why. Sealed values are never shown."""
    return await queries.list_changes(ctx, employee_id, page)


@router.read("/employees/{employee_id}/changes/{change_id}", scope=READ, response_model=ChangeOut)
async def get_change(ctx: CtxDep, employee_id: UUID, change_id: UUID) -> ChangeOut:
    """One change."""
    change = await queries.get_change(ctx, employee_id, change_id)
    return (await queries.show_changes(ctx, [change]))[0]


@router.verb("/employees/{employee_id}/changes/{change_id}/approve", scope=APPROVE, response_model=ChangeOut)
async def approve_change(
    ctx: CtxDep, employee_id: UUID, change_id: UUID, body: ApproveChangeIn | None = None
) -> ChangeOut:
    """Approve a change that waits: it then holds, from its `effective_on` on. Never by who asked (403 `four_eyes`).

    The same as approving it in `/v1/hr-approvals`. 409 `approval_outdated` where the account was replaced meanwhile.
    """
    comment = body.comment if body else None
    return await actions.approve_change(ctx, employee_id, change_id, comment=comment)


@router.verb("/employees/{employee_id}/changes/{change_id}/reject", scope=APPROVE, response_model=ChangeOut)
async def reject_change(ctx: CtxDep, employee_id: UUID, change_id: UUID, body: RejectChangeIn) -> ChangeOut:
    """Reject a change that waits; what holds stays as it is."""
    return await actions.reject_change(ctx, employee_id, change_id, reason=body.reason)


@router.verb("/employees/{employee_id}/suspend", scope=WRITE, response_model=EmployeeOut)
async def suspend(ctx: CtxDep, employee_id: UUID, body: EmploymentVerbIn) -> EmployeeOut:
    """Suspend an employment from today on."""
    return await actions.suspend(ctx, employee_id, body)


@router.verb("/employees/{employee_id}/resume", scope=WRITE, response_model=EmployeeOut)
async def resume(ctx: CtxDep, employee_id: UUID, body: EmploymentVerbIn) -> EmployeeOut:
    """Let a suspended employment go on from today on."""
    return await actions.resume(ctx, employee_id, body)


@router.verb("/employees/{employee_id}/terminate", scope=WRITE, response_model=EmployeeOut)
async def terminate(ctx: CtxDep, employee_id: UUID, body: TerminateIn) -> EmployeeOut:
    """State the last day of an employment, in the past or to come; it is `terminated` when that day is over.

    Another last day may be stated until then. The reason is told to nobody else.
    """
    return await actions.terminate(ctx, employee_id, body)


@router.verb("/employees/{employee_id}/cancel-termination", scope=WRITE, response_model=EmployeeOut)
async def cancel_termination(ctx: CtxDep, employee_id: UUID, body: EmploymentVerbIn) -> EmployeeOut:
    """Take the end of an employment back: it goes on."""
    return await actions.cancel_termination(ctx, employee_id, body)


@router.verb("/employees/{employee_id}/cancel-start", scope=WRITE, response_model=EmployeeOut)
async def cancel_start(ctx: CtxDep, employee_id: UUID, body: EmploymentVerbIn) -> EmployeeOut:
    """Let an employment that has not begun never begin."""
    return await actions.cancel_start(ctx, employee_id, body)


@router.read("/employees/{employee_id}/timeline", scope=READ, response_model=Page[TimelineEntry])
async def list_employee_timeline(ctx: CtxDep, employee_id: UUID, page: PageDep) -> Page[TimelineEntry]:
    """Who moved the employee's employments, when, and why; newest first."""
    return await queries.list_timeline(ctx, employee_id, page)
