"""Hiring: a new employee with a first employment, or a further employment of one who is known."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.hr.employees import queries
from services.hr.employees.actions import stating, telling
from services.hr.employees.actions.clock import catch_up, schedule_days
from services.hr.employees.models import (
    Employee,
    EmployeePrivate,
    Employment,
    EmploymentStage,
    EmploymentTerms,
    PersonFacts,
)
from services.hr.employees.rules import (
    ACTIVE,
    BEGINNING,
    DAY,
    LIFECYCLE,
    PENDING,
    SEALED,
    Stretch,
    require_born,
)
from services.hr.employees.schemas import EmployeeIn, EmployeeOut, EmploymentIn, TermsIn, clear
from shared.context.ctx import Ctx
from shared.context.lifecycle import begin
from shared.context.numbering import take_number
from shared.context.sealed_fields import seal
from shared.database.tables import touch
from shared.values.ids import new_id
from shared.values.search_text import terms_of

SERIES = "EMP"
TAKEN = "select exists (select from employees where tenant_id = $1 and number = $2)"


async def hire_employee(ctx: Ctx, body: EmployeeIn) -> EmployeeOut:
    """Add an employee with a first employment, and tell the other services of it."""
    if body.birth_date is not None:
        require_born(body.birth_date.get_secret_value(), ctx.today, "/birth_date")
    number = body.number or await _next_number(ctx)
    employee = Employee(tenant_id=ctx.tenant.id, created_at=ctx.now, updated_at=ctx.now, number=number)
    ctx.session.add(employee)
    await ctx.tx.flush()
    private = await keep_private(ctx, employee.id, {name: clear(getattr(body, name)) for name in SEALED})
    stated: dict[str, Any] = {
        "given_name": body.given_name,
        "family_name": body.family_name,
        "email": body.email,
    }
    sealed: dict[str, Any] = {
        f"{name}_id": private.id if getattr(private, name) is not None else None
        for name in SEALED
        if name != "compensation"
    }
    person = PersonFacts(
        **_new(ctx),
        **stated,
        **sealed,
        employee_id=employee.id,
        valid_from=BEGINNING,
        stated=stating.PERSON_COLUMNS,
    )
    ctx.session.add(person)
    await ctx.tx.flush()
    await queries.WORDS.add(ctx, {employee.id: terms_of(number, *stated.values())})
    await _engage(ctx, employee, body, private.id)
    return await queries.show_employee(ctx, employee.id, queries.Moment.of(ctx), reveal=False)


async def add_employment(ctx: Ctx, employee_id: UUID, body: EmploymentIn) -> Employment:
    """Engage an employee once more: again after an end, beside another employment, or as another kind."""
    employee = await queries.get_employee(ctx, employee_id, lock=True)
    private = await keep_private(ctx, employee.id, {"compensation": clear(body.compensation)})
    touch(employee, ctx.now)
    return await _engage(ctx, employee, body, private.id)


async def keep_private(ctx: Ctx, employee_id: UUID, values: Mapping[str, object]) -> EmployeePrivate:
    """Seal values that are stated together."""
    row = EmployeePrivate(**_of_now(ctx), id=new_id(), employee_id=employee_id)
    await seal(ctx, row, **values)
    ctx.session.add(row)
    await ctx.tx.flush()
    return row


async def _engage(ctx: Ctx, employee: Employee, body: TermsIn, compensation_id: UUID) -> Employment:
    employment_id = new_id()
    employment = Employment(
        **_of_now(ctx),
        id=employment_id,
        employee_id=employee.id,
        kind=body.kind,
        state=begin(ctx, LIFECYCLE, employment_id, verb="hire"),
        hire_on=body.hire_on,
    )
    values = _terms(body, compensation_id)
    if body.manager_id is not None:
        stretch = Stretch(body.hire_on, None, values, frozenset())
        await stating.require_no_cycle(ctx, employment, [stretch], pointer="/manager_id")
    ctx.session.add(employment)
    await ctx.tx.flush()
    ids: dict[str, Any] = {"employment_id": employment.id, "employee_id": employee.id}
    terms = EmploymentTerms(
        **_new(ctx), **ids, **values, valid_from=body.hire_on, stated=stating.TERMS_COLUMNS
    )
    ctx.session.add(terms)
    ctx.session.add(EmploymentStage(**_new(ctx), **ids, state=ACTIVE, valid_from=body.hire_on))
    if body.hire_on > BEGINNING:
        before: dict[str, Any] = {"valid_from": BEGINNING, "valid_to": body.hire_on - DAY}
        ctx.session.add(EmploymentStage(**_new(ctx), **ids, state=PENDING, **before))
    await telling.tell_hired(ctx, employee, employment)
    schedule_days(ctx, employment)
    await catch_up(ctx, employment)
    return employment


def _terms(body: TermsIn, compensation_id: UUID) -> dict[str, Any]:
    return {
        "position": body.position,
        "department": body.department,
        "cost_centre": body.cost_centre,
        "manager_id": body.manager_id,
        "country": body.work_location.country,
        "subdivision": body.work_location.subdivision,
        "weekly_hours": body.work_pattern.weekly_hours,
        "work_days": body.work_pattern.days,
        "compensation_id": compensation_id,
    }


async def _next_number(ctx: Ctx) -> str:
    """The next number of the series that nobody was given by hand."""
    while True:
        number = await take_number(ctx, SERIES, ctx.today.year)
        if not await ctx.sql.fetchval(TAKEN, ctx.tenant.id, number):
            return number


def _of_now(ctx: Ctx) -> dict[str, Any]:
    return {"tenant_id": ctx.tenant.id, "created_at": ctx.now, "updated_at": ctx.now}


def _new(ctx: Ctx) -> dict[str, Any]:
    """The columns that every newly stated row has."""
    return {**_of_now(ctx), "recorded_at": ctx.now}
