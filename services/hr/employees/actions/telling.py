"""Telling other services of employments: each stretch of days with all that holds on them, private facts sealed."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from services.hr.employees import queries
from services.hr.employees.models import Employee, EmployeePrivate, Employment, EmploymentTerms, PersonFacts
from services.hr.employees.rules import SEALED, Days, pieces
from shared.context.ctx import Ctx
from shared.context.sealed_facts import seal_fact
from shared.context.sealed_fields import opened
from shared.contracts.event import Event
from shared.contracts.hr import (
    EmployeeChanged,
    EmployeeHired,
    EmployeeTerminated,
    StartCancelled,
    TerminationCancelled,
    WorkLocation,
)

Row = TypeVar("Row", PersonFacts, EmploymentTerms)


async def tell_hired(ctx: Ctx, employee: Employee, employment: Employment) -> None:
    """Tell of a new employment; what will be otherwise on a later day is told as changes."""
    await _tell_stretches(ctx, employee, employment, [Days(employment.hire_on, None)], (), hired=True)


async def tell_changed(
    ctx: Ctx, employee: Employee, employment: Employment, affected: Sequence[Days], fields: Sequence[str]
) -> None:
    """Tell of days on which something is otherwise now, once for each stretch of them."""
    await _tell_stretches(ctx, employee, employment, affected, fields, hired=False)


def tell_terminated(ctx: Ctx, employment: Employment) -> None:
    """Tell that an employment ends, or ended; never why."""
    _emit(
        ctx,
        employment,
        EmployeeTerminated(
            employee_id=employment.employee_id,
            employment_id=employment.id,
            last_day=employment.last_day,
            access_end_at=employment.access_end_at,
            final_pay_on=employment.final_pay_on,
            version=employment.version,
        ),
    )


def tell_termination_cancelled(ctx: Ctx, employment: Employment) -> None:
    """Tell that an employment goes on after all."""
    _emit(ctx, employment, TerminationCancelled(**_ids(employment)))


def tell_start_cancelled(ctx: Ctx, employment: Employment) -> None:
    """Tell that somebody does not begin."""
    _emit(ctx, employment, StartCancelled(**_ids(employment)))


def _ids(employment: Employment) -> dict[str, Any]:
    return {
        "employee_id": employment.employee_id,
        "employment_id": employment.id,
        "version": employment.version,
    }


def _emit(ctx: Ctx, employment: Employment, event: Event) -> None:
    ctx.emit(
        event,
        subject=employment.id,
        version=employment.version,
        ordering_key=f"employment:{employment.id}",
    )


async def _tell_stretches(
    ctx: Ctx,
    employee: Employee,
    employment: Employment,
    affected: Sequence[Days],
    fields: Sequence[str],
    *,
    hired: bool,
) -> None:
    await ctx.tx.flush()
    persons = await queries.person_rows(ctx, employee.id)
    terms = await queries.terms_rows(ctx, employment.id)
    stretches = [
        (days, _holding(persons, days), _holding(terms, days))
        for days in pieces(affected, _days_of(persons), _days_of(terms))
    ]
    used = {getattr(row, f"{name}_id", None) for _, *rows in stretches for row in rows for name in SEALED}
    private = await queries.find_private(ctx, used)
    for n, (days, person, its) in enumerate(stretches):
        contract = EmployeeHired if hired and n == 0 else EmployeeChanged
        values = _private_values(ctx, private, person, its)
        sealed = await seal_fact(ctx, contract, employment.id, values)
        told = _facts(employee, employment, days, person, its)
        _emit(ctx, employment, contract(**told, changed_fields=list(fields), private=sealed))


def _facts(
    employee: Employee, employment: Employment, days: Days, person: PersonFacts, terms: EmploymentTerms
) -> dict[str, Any]:
    return {
        **_ids(employment),
        "number": employee.number,
        "name": f"{person.given_name} {person.family_name}",
        "kind": employment.kind,
        "hire_on": employment.hire_on,
        "effective_on": days.first,
        "effective_until": days.last,
        "position": terms.position,
        "department": terms.department,
        "cost_centre": terms.cost_centre,
        "manager_id": terms.manager_id,
        "work_location": WorkLocation(country=terms.country, subdivision=terms.subdivision),
        "weekly_hours": terms.weekly_hours,
    }


def _private_values(
    ctx: Ctx, private: Mapping[UUID, EmployeePrivate], person: PersonFacts, terms: EmploymentTerms
) -> dict[str, Any]:
    """The sealed facts themselves, to be sealed at once for who may know them."""
    found: dict[str, Any] = {}
    for name in SEALED:
        of = terms if name == "compensation" else person
        at: UUID | None = getattr(of, f"{name}_id")
        secret = None if at is None else opened(ctx, private[at], name)
        found[name] = None if secret is None else secret.get_secret_value()
    return found


def _days_of(rows: Sequence[PersonFacts] | Sequence[EmploymentTerms]) -> list[Days]:
    return [Days(row.valid_from, row.valid_to) for row in rows]


def _holding(rows: Sequence[Row], days: Days) -> Row:
    """The row of the days, which lie within one."""
    return next(row for row in rows if Days(row.valid_from, row.valid_to).common(days))
