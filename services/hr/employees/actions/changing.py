"""Changes: what is to hold from a day on. A change of the bank account waits until somebody else has approved it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.hr.employees import queries
from services.hr.employees.actions import stating, telling
from services.hr.employees.actions.clock import catch_up
from services.hr.employees.actions.hiring import keep_private
from services.hr.employees.actions.verbs import named_or_only
from services.hr.employees.models import Employee, EmployeeChange, EmployeePrivate, Employment
from services.hr.employees.rules import (
    BANK_ACCOUNT,
    BANK_CHANGE,
    CANCELLED,
    PERSON_FIELDS,
    SEALED,
    TERMINATED,
    TERMS_FIELDS,
    Days,
    EmploymentCancelled,
    columns_of,
    require_born,
    require_within,
)
from services.hr.employees.schemas import SHOWN, ChangeIn, ChangeOut, FactsIn, clear
from shared.approvals.asking import ask_approval
from shared.approvals.deciding import Approvable, approve, reject
from shared.approvals.rules import Step
from shared.context.ctx import Ctx
from shared.context.sealed_fields import opened
from shared.database.tables import touch
from shared.values.faults import Refused
from shared.values.ids import new_id
from shared.values.masked import masked_value
from shared.values.search_text import terms_of

APPROVE = "hr:approve"


class NotPending(Refused):
    """A change that needs no approval cannot be decided on."""

    code = "not_pending"


async def change_employee(ctx: Ctx, employee_id: UUID, body: ChangeIn) -> ChangeOut:
    """Have fields hold from a day on, in the past or to come, until the next change that sets the same field."""
    employee = await queries.get_employee(ctx, employee_id, lock=True)
    given = sorted(body.fields.model_fields_set)
    employment = await _employment(ctx, employee, body, given)
    if body.fields.birth_date is not None:
        require_born(body.fields.birth_date.get_secret_value(), ctx.today, "/fields/birth_date")
    change = EmployeeChange(
        tenant_id=ctx.tenant.id,
        id=new_id(),
        created_at=ctx.now,
        updated_at=ctx.now,
        employee_id=employee.id,
        employment_id=None if employment is None else employment.id,
        effective_on=body.effective_on,
        fields=given,
        facts=_clear_facts(body.fields, given),
        private_id=await _keep_sealed(ctx, employee, body.fields, given),
        reason=body.reason,
        actor_id=ctx.actor.id,
        on_behalf_of=ctx.actor.on_behalf_of,
    )
    if BANK_ACCOUNT in given:
        await _ask(ctx, change)
    else:
        change.applied_at = ctx.now
    ctx.session.add(change)
    if change.applied_at is not None:
        await _apply(ctx, employee, change, employment)
    await ctx.tx.flush()
    return (await queries.show_changes(ctx, [change]))[0]


async def approve_change(ctx: Ctx, employee_id: UUID, change_id: UUID, *, comment: str | None) -> ChangeOut:
    """Approve a change that waits; it then holds, as asked for. Never by who asked for it."""
    change = await _waiting(ctx, employee_id, change_id)
    await approve(ctx, change, approvables={BANK_CHANGE: APPROVABLE}, comment=comment)
    return await _shown(ctx, employee_id, change_id)


async def reject_change(ctx: Ctx, employee_id: UUID, change_id: UUID, *, reason: str) -> ChangeOut:
    """Reject a change that waits; what holds stays as it is."""
    await reject(ctx, await _waiting(ctx, employee_id, change_id), reason=reason)
    return await _shown(ctx, employee_id, change_id)


async def find_change_facts(ctx: Ctx, change_id: UUID) -> Mapping[str, Any]:
    """What an approver relies on: the account, masked, and which one it replaces; the employee is locked."""
    change = await queries.find_change(ctx, change_id)
    await queries.get_employee(ctx, change.employee_id, lock=True)
    return await _facts(ctx, change)


async def apply_approved_change(ctx: Ctx, change_id: UUID, command: Mapping[str, Any]) -> None:  # noqa: ARG001
    """Let a change hold that somebody else has approved."""
    change = await queries.find_change(ctx, change_id)
    employee = await queries.get_employee(ctx, change.employee_id, lock=True)
    employment = None
    if change.employment_id is not None:
        employment = await queries.get_employment(ctx, change.employment_id, lock=True)
        require_within(change.effective_on, employment.hire_on, employment.last_day)
    change.applied_at = ctx.now
    touch(change, ctx.now)
    await _apply(ctx, employee, change, employment)
    await ctx.tx.flush()


APPROVABLE = Approvable(BANK_CHANGE, find_change_facts, apply_approved_change)


async def _employment(ctx: Ctx, employee: Employee, body: ChangeIn, given: list[str]) -> Employment | None:
    """The employment whose terms change; none where a change is of the person alone."""
    employments = await queries.employments_of(ctx, employee.id)
    if body.employment_id is None and not TERMS_FIELDS.keys() & set(given):
        return None
    for each in employments:
        await catch_up(ctx, each)
    found = named_or_only(
        employments, body.employment_id, lambda each: each.state not in (TERMINATED, CANCELLED)
    )
    if TERMS_FIELDS.keys() & set(given):
        if found.state == CANCELLED:
            raise EmploymentCancelled("This employment was cancelled before it began.")
        require_within(body.effective_on, found.hire_on, found.last_day)
    return found


def _clear_facts(fields: FactsIn, given: list[str]) -> dict[str, Any]:
    return fields.model_dump(mode="json", include=set(given) - set(SEALED))


async def _keep_sealed(ctx: Ctx, employee: Employee, fields: FactsIn, given: list[str]) -> UUID | None:
    sealed: dict[str, object] = {name: clear(getattr(fields, name)) for name in SEALED if name in given}
    if not any(value is not None for value in sealed.values()):
        return None
    return (await keep_private(ctx, employee.id, sealed)).id


async def _ask(ctx: Ctx, change: EmployeeChange) -> None:
    approval = await ask_approval(
        ctx,
        BANK_CHANGE,
        change.id,
        subject=f"change {change.id} of employee {change.employee_id}",
        command={"change_id": str(change.id)},
        facts=await _facts(ctx, change),
        steps=[Step(APPROVE)],
        reason=change.reason,
    )
    change.approval_id = approval.id


async def _facts(ctx: Ctx, change: EmployeeChange) -> dict[str, Any]:
    persons = await queries.person_rows(ctx, change.employee_id)
    holding = next(row for row in reversed(persons) if row.valid_from <= change.effective_on)
    return {
        "employee_id": str(change.employee_id),
        "effective_on": change.effective_on.isoformat(),
        "fields": list(change.fields),
        "bank_account": await _masked_account(ctx, change),
        "replaces": None if holding.bank_account_id is None else str(holding.bank_account_id),
    }


async def _masked_account(ctx: Ctx, change: EmployeeChange) -> object:
    row = await _private_of(ctx, change)
    secret = None if row is None else opened(ctx, row, BANK_ACCOUNT)
    if secret is None:
        return None
    return masked_value(SHOWN[BANK_ACCOUNT], BANK_ACCOUNT, secret.get_secret_value())


async def _private_of(ctx: Ctx, change: EmployeeChange) -> EmployeePrivate | None:
    found = await queries.find_private(ctx, [change.private_id])
    return None if change.private_id is None else found[change.private_id]


async def _apply(ctx: Ctx, employee: Employee, change: EmployeeChange, employment: Employment | None) -> None:
    """State what a change says, and tell each employment's days that are otherwise now."""
    values = await _values(ctx, change)
    person = {name: values[name] for name in columns_of(change.fields, PERSON_FIELDS)}
    terms = {name: values[name] for name in columns_of(change.fields, TERMS_FIELDS)}
    touch(employee, ctx.now)
    affected = await stating.change_person(ctx, employee, change.effective_on, person) if person else []
    of_terms: list[Days] = []
    if employment is not None and terms:
        of_terms = await stating.change_terms(ctx, employment, change.effective_on, terms)
    if person:
        await _find_by(ctx, employee)
    for each in await queries.employments_of(ctx, employee.id):
        its = _united(affected, of_terms if each.id == change.employment_id else [])
        if its and each.state != CANCELLED:
            touch(each, ctx.now)
            await telling.tell_changed(ctx, employee, each, its, change.fields)


def _united(first: Sequence[Days], second: Sequence[Days]) -> Sequence[Days]:
    """The days of both, each once: both begin on the day of the change and are without gaps."""
    if not first or not second:
        return first or second
    ends = [days[-1].last for days in (first, second)]
    last = max((end for end in ends if end is not None), default=None)
    return [Days(first[0].first, None if None in ends else last)]


async def _values(ctx: Ctx, change: EmployeeChange) -> dict[str, Any]:
    """The columns that a change sets, and to what."""
    facts, private = change.facts, await _private_of(ctx, change)
    found: dict[str, Any] = {**facts}
    for name in SEALED:
        sealed = private is not None and getattr(private, name) is not None
        found[f"{name}_id"] = change.private_id if sealed else None
    if facts.get("manager_id") is not None:
        found["manager_id"] = UUID(facts["manager_id"])
    if "work_location" in facts:
        found |= facts["work_location"]
    if "work_pattern" in facts:
        pattern = facts["work_pattern"]
        found |= {"weekly_hours": Decimal(pattern["weekly_hours"]), "work_days": pattern["days"]}
    return found


async def _find_by(ctx: Ctx, employee: Employee) -> None:
    """Have an employee found by all names and addresses that hold on some day."""
    persons = await queries.person_rows(ctx, employee.id)
    words = [text for row in persons for text in (row.given_name, row.family_name, row.email)]
    await queries.WORDS.put(ctx, {employee.id: terms_of(employee.number, *words)})


async def _waiting(ctx: Ctx, employee_id: UUID, change_id: UUID) -> UUID:
    """The approval that a change waits for."""
    change = await queries.get_change(ctx, employee_id, change_id)
    if change.approval_id is None:
        raise NotPending("This change needed no approval; it holds.")
    return change.approval_id


async def _shown(ctx: Ctx, employee_id: UUID, change_id: UUID) -> ChangeOut:
    change = await queries.get_change(ctx, employee_id, change_id)
    return (await queries.show_changes(ctx, [change]))[0]
