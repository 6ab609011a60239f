"""Stating what holds: of a person, of the terms of an employment, of its state; nothing stated before is lost."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from services.hr.employees import queries
from services.hr.employees.models import (
    Employee,
    Employment,
    EmploymentStage,
    EmploymentTerms,
    PersonFacts,
)
from services.hr.employees.queries import Above
from services.hr.employees.rules import (
    ACTIVE,
    DAY,
    ON_LEAVE,
    PERSON_FIELDS,
    SUSPENDED,
    TERMS_FIELDS,
    Days,
    Stretch,
    changed,
    manager_cycle,
    unknown_manager,
)
from shared.context.ctx import Ctx
from shared.context.effective_rows import restate
from shared.values.ids import new_id

PERSON_COLUMNS = [column for columns in PERSON_FIELDS.values() for column in columns]
TERMS_COLUMNS = [column for columns in TERMS_FIELDS.values() for column in columns]


async def change_person(ctx: Ctx, employee: Employee, on: date, values: Mapping[str, Any]) -> list[Days]:
    """Have values of a person hold from a day on; returns on which days something is otherwise now."""
    rows = await queries.person_rows(ctx, employee.id)
    stretches = changed(_stretches(rows, PERSON_COLUMNS), on, values)
    for each in stretches:
        row = PersonFacts(**_row(ctx, each), employee_id=employee.id)
        await restate(ctx, row, key=("employee_id",))
    return [Days(each.valid_from, each.valid_to) for each in stretches]


async def change_terms(ctx: Ctx, employment: Employment, on: date, values: Mapping[str, Any]) -> list[Days]:
    """Have terms of an employment hold from a day on; returns on which days something is otherwise now.

    Raises ManagerCycle, UnknownManager.
    """
    rows = await queries.terms_rows(ctx, employment.id)
    stretches = changed(_stretches(rows, TERMS_COLUMNS), on, values)
    ids: dict[str, Any] = {"employment_id": employment.id, "employee_id": employment.employee_id}
    if "manager_id" in values:
        managed = [each for each in stretches if each.values["manager_id"] is not None]
        await require_no_cycle(ctx, employment, managed, pointer="/fields/manager_id")
    for each in stretches:
        await restate(ctx, EmploymentTerms(**_row(ctx, each), **ids), key=("employment_id",))
    return [Days(each.valid_from, each.valid_to) for each in stretches]


async def state_stage(ctx: Ctx, employment: Employment, state: str, first: date, last: date | None) -> None:
    """Have an employment be in a state on some days."""
    stage = EmploymentStage(
        tenant_id=ctx.tenant.id,
        id=new_id(),
        created_at=ctx.now,
        updated_at=ctx.now,
        recorded_at=ctx.now,
        employment_id=employment.id,
        employee_id=employment.employee_id,
        state=state,
        valid_from=first,
        valid_to=last,
    )
    await restate(ctx, stage, key=("employment_id",))


async def reopen(ctx: Ctx, employment: Employment, *, until: date | None, suspended: bool = False) -> None:
    """Have an employment whose end was stated go on after it, until a later day, as it stands; its managers with it."""
    if employment.last_day is None or (until is not None and until <= employment.last_day):
        return
    first = employment.last_day + DAY
    state = employment.state if employment.state in (ON_LEAVE, SUSPENDED) else ACTIVE
    if suspended:
        state = SUSPENDED
    await state_stage(ctx, employment, state, first, None)
    again = Days(first, until)
    rows = [row for row in await queries.terms_rows(ctx, employment.id) if row.manager_id is not None]
    stretches = [
        each for each in _stretches(rows, TERMS_COLUMNS) if Days(each.valid_from, each.valid_to).common(again)
    ]
    await require_no_cycle(ctx, employment, stretches, pointer="/last_day", within=again)


async def require_no_cycle(
    ctx: Ctx,
    employment: Employment,
    stretches: Sequence[Stretch],
    *,
    pointer: str,
    within: Days | None = None,
) -> None:
    """Refuse managers who are not there, or on some day of the employment below its employee."""
    if not stretches:
        return
    managers = {each.values["manager_id"] for each in stretches}
    for manager_id in await queries.missing_employees(ctx, managers):
        raise unknown_manager(pointer, manager_id)
    await queries.lock_managers(ctx)
    days = within or Days(employment.hire_on, employment.last_day)
    above = [
        Above(each.values["manager_id"], common)
        for each in stretches
        if (common := Days(each.valid_from, each.valid_to).common(days)) is not None
    ]
    day = await queries.first_day_below(ctx, employment.employee_id, above)
    if day is not None:
        raise manager_cycle(pointer, day)


def _stretches(
    rows: Sequence[PersonFacts] | Sequence[EmploymentTerms], columns: Sequence[str]
) -> list[Stretch]:
    return [
        Stretch(
            row.valid_from,
            row.valid_to,
            {column: getattr(row, column) for column in columns},
            frozenset(row.stated),
        )
        for row in rows
    ]


def _row(ctx: Ctx, stretch: Stretch) -> dict[str, Any]:
    """The columns of a row that states a stretch."""
    return {
        **stretch.values,
        "tenant_id": ctx.tenant.id,
        "id": new_id(),
        "created_at": ctx.now,
        "updated_at": ctx.now,
        "recorded_at": ctx.now,
        "valid_from": stretch.valid_from,
        "valid_to": stretch.valid_to,
        "stated": sorted(stretch.stated),
    }
