"""Stating what payroll knows of somebody beside hr."""

from datetime import date
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from pydantic import ValidationError
from sqlmodel import select

from services.payroll.engine.pack import Pack
from services.payroll.packs import packs
from services.payroll.payees import queries
from services.payroll.payees.models import Payee, PayeeDeclarations, PayeeSchedule
from services.payroll.payees.rules import PackMismatch, default_effective_on, require_opening_currency
from services.payroll.payees.schemas import MEASURES, OpeningIn, PayeeChange, PayeeOut
from services.payroll.schedules.queries import find_schedule_for_use
from services.payroll.schedules.rules.calendars import calendar_of
from services.payroll.year_to_date.actions import state_opening
from shared.context.ctx import Ctx
from shared.context.sealed_fields import seal
from shared.database.tables import touch
from shared.http.router import require_version
from shared.values.bounded import MOST_ERRORS
from shared.values.faults import FieldError, Invalid

Dated = TypeVar("Dated", PayeeSchedule, PayeeDeclarations)


async def change_payee(ctx: Ctx, payee_id: UUID, change: PayeeChange, *, version: int) -> PayeeOut:
    """State schedule, declarations and opening figures of somebody, based on the version the caller has seen.

    Raises Invalid with pointers into the declarations, and PackMismatch where schedule and declarations do not fit.
    """
    payee = await queries.get_payee(ctx, payee_id, lock=True)
    require_version(payee, version)
    given = change.model_fields_set
    if "pay_schedule_id" in given:
        await _state_schedule(ctx, payee, change)
    if given & {"pack", "declarations"}:
        await _state_declarations(ctx, payee, change)
    on = change.effective_on or max(ctx.today, payee.hire_on or ctx.today)
    await _require_one_pack(ctx, payee, since=on)
    if "year_to_date" in given:
        await _state_opening(ctx, payee, change.year_to_date, on=on)
    touch(payee, ctx.now)
    await ctx.tx.flush()
    return await queries.show_payee(ctx, payee, as_of=None, reveal=False)


async def _state_schedule(ctx: Ctx, payee: Payee, change: PayeeChange) -> None:
    """By which schedule somebody is paid from a day on; until the next day for which one is stated."""
    wanted = change.pay_schedule_id
    if wanted is not None and await find_schedule_for_use(ctx, wanted) is None:
        raise Invalid.field("/pay_schedule_id", "unknown_pay_schedule", "There is no such pay schedule.")
    on = await _effective_on(ctx, payee, change, PayeeSchedule)
    row = await _row_of(ctx, PayeeSchedule, payee, on)
    if row is None:
        row = PayeeSchedule(
            tenant_id=ctx.tenant.id, payee_id=payee.id, valid_from=on, created_at=ctx.now, updated_at=ctx.now
        )
        ctx.session.add(row)
    else:
        touch(row, ctx.now)
    row.pay_schedule_id = wanted
    await ctx.tx.flush()


async def _state_declarations(ctx: Ctx, payee: Payee, change: PayeeChange) -> None:
    """What somebody has declared from a day on, as a whole, in the terms of a pack."""
    on = await _effective_on(ctx, payee, change, PayeeDeclarations)
    at = (await queries.find_at(ctx, [payee], on=on))[payee.id]
    given = change.model_fields_set
    name = change.pack if "pack" in given else at.pack
    if name is None:
        raise Invalid.field("/pack", "missing", "Say of which pack the declarations are.")
    pack = _pack_of(name)
    if "declarations" not in given and at.declarations is not None:
        if at.declarations.pack == name:
            return
        raise Invalid.field("/declarations", "missing", f"Pack {name} needs declarations of its own.")
    row = await _row_of(ctx, PayeeDeclarations, payee, on)
    if row is None:
        row = PayeeDeclarations(
            tenant_id=ctx.tenant.id,
            payee_id=payee.id,
            valid_from=on,
            pack=name,
            created_at=ctx.now,
            updated_at=ctx.now,
        )
    else:
        touch(row, ctx.now)
    row.pack = name
    await seal(ctx, row, declared=_declared(pack, change.declarations) if "declarations" in given else None)
    ctx.session.add(row)
    await ctx.tx.flush()


def _pack_of(name: str) -> Pack:
    found = packs().get(name)
    if found is None:
        known = ", ".join(packs()) or "none"
        raise Invalid.field("/pack", "unknown_pack", f"There is no such pack; there is {known}.")
    return found


def _declared(pack: Pack, declarations: dict[str, Any]) -> dict[str, Any]:
    """The declarations as they were given, once the pack's model has accepted them. Raises Invalid."""
    try:
        pack.declarations.model_validate(declarations)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)[:MOST_ERRORS]
        errors = [FieldError(_pointer(each["loc"]), each["type"], each["msg"]) for each in found]
        raise Invalid(f"Pack {pack.name} does not accept these declarations.", errors=errors) from None
    return declarations


def _pointer(location: tuple[int | str, ...]) -> str:
    parts = (str(part)[:200].replace("~", "~0").replace("/", "~1") for part in location)
    return "/".join(["/declarations", *parts])


async def _effective_on(
    ctx: Ctx, payee: Payee, change: PayeeChange, table: type[PayeeSchedule] | type[PayeeDeclarations]
) -> date:
    """From when a change holds."""
    if change.effective_on is not None:
        return change.effective_on
    before = (await ctx.session.exec(select(table.id).where(table.payee_id == payee.id).limit(1))).first()
    return default_effective_on(today=ctx.today, hire_on=payee.hire_on, known_before=before is not None)


async def _row_of(ctx: Ctx, table: type[Dated], payee: Payee, on: date) -> Dated | None:
    """What is stated from the very same day on; it is stated anew."""
    statement = select(table).where(table.payee_id == payee.id, table.valid_from == on)
    return (await ctx.session.exec(statement)).one_or_none()


async def _require_one_pack(ctx: Ctx, payee: Payee, *, since: date) -> None:
    """Refuse a schedule of one country with declarations of another, on the day of the change."""
    at = (await queries.find_at(ctx, [payee], on=since))[payee.id]
    if at.declarations and at.schedule_pack and at.declarations.pack != at.schedule_pack:
        raise PackMismatch(
            f"The schedule is of pack {at.schedule_pack}, the declarations are of pack {at.declarations.pack}.",
            pay_schedule_id=at.pay_schedule_id,
        )


async def _state_opening(ctx: Ctx, payee: Payee, opening: OpeningIn, *, on: date) -> None:
    """The opening figures that were given; each replaces what was stated of its measure before."""
    at = (await queries.find_at(ctx, [payee], on=on))[payee.id]
    if at.pack is None:
        raise Invalid.field("/pack", "missing", "Opening figures need a pack, whose tax year they are of.")
    pay_calendar, currency = calendar_of(at.pack), _pack_of(at.pack).currency
    figures: dict[str, Decimal] = {}
    for name in MEASURES:
        if name in opening.model_fields_set:
            money = getattr(opening, name)
            require_opening_currency(name, money.currency, currency)
            figures[name] = money.amount
    tax_year = pay_calendar.tax_year(on) if opening.tax_year is None else opening.tax_year
    begins_on = pay_calendar.year_start(tax_year)
    await state_opening(ctx, payee.id, figures, tax_year=tax_year, begins_on=begins_on)
