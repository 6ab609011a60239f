"""Payees over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.payroll.payees import actions, queries
from services.payroll.payees.schemas import READ_PRIVATE, PayeeChange, PayeeOut, YearToDateOut
from shared.http.finding import Ids, Number, Where
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, IfMatch, Router
from shared.values.fields import LocalDate

router = Router("Payees")
AsOf = Annotated[LocalDate | None, Query(description="What holds on this day; today, unless given.")]
TaxYear = Annotated[
    int | None, Query(ge=1990, le=2150, description="The year in which it begins; the current one.")
]


@router.read("/payees", scope="payroll:read")
async def list_payees(
    ctx: CtxDep,
    page: PageDep,
    number: Number = None,
    ids: Ids = None,
    employee_id: UUID | None = None,
    employment_id: UUID | None = None,
    pay_schedule_id: UUID | None = None,
) -> Page[PayeeOut]:
    """Payees as of today, newest first: one for each employment that hr has told of; what is private is masked."""
    where = Where(ctx).add("number =", number).among("id", ids).add("employee_id =", employee_id)
    where.add("employment_id =", employment_id)
    return await queries.list_payees(ctx, page, where, pay_schedule_id=pay_schedule_id)


@router.read("/payees/{payee_id}", scope="payroll:read")
async def get_payee(ctx: CtxDep, payee_id: UUID, as_of: AsOf = None) -> PayeeOut:
    """One payee: hr's facts of a day, and the schedule and declarations that hold then.

    Of somebody who begins later it is the first day's.
    """
    return await queries.show_payee(ctx, await queries.get_payee(ctx, payee_id), as_of=as_of, reveal=True)


@router.change("/payees/{payee_id}", scope="payroll:write")
async def change_payee(ctx: CtxDep, payee_id: UUID, body: PayeeChange, version: IfMatch) -> PayeeOut:
    """State schedule, declarations and opening figures; what hr owns is refused (`owned_by_hr`).

    The declarations are read by the pack: errors point below `/declarations`. A schedule of another pack than the
    declarations is refused with 409 `pack_mismatch`.
    """
    return await actions.change_payee(ctx, payee_id, body, version=version)


@router.read("/payees/{payee_id}/year-to-date", scope=READ_PRIVATE)
async def get_payee_year_to_date(ctx: CtxDep, payee_id: UUID, tax_year: TaxYear = None) -> YearToDateOut:
    """What was paid to somebody and withheld in a tax year; each read leaves an audit row."""
    return await queries.show_year_to_date(ctx, payee_id, tax_year=tax_year)
