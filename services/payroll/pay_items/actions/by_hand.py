"""Pay items that somebody enters."""

from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from services.payroll.engine.inputs import Treatment
from services.payroll.packs import packs
from services.payroll.pay_items import queries
from services.payroll.pay_items.models import PayItem
from services.payroll.pay_items.rules import (
    LIFECYCLE,
    ItemKind,
    ItemOver,
    ItemState,
    ItemTerms,
    OwnedByBenefit,
    order_amounts,
    require_free_code,
    require_order,
    require_sound,
)
from services.payroll.pay_items.schemas import GarnishmentIn, PayItemChange, PayItemIn, PayItemOut
from services.payroll.payees.queries import find_pack, get_payee
from shared.context.ctx import Ctx
from shared.context.lifecycle import advance, begin
from shared.context.sealed_fields import seal
from shared.database.tables import touch
from shared.http.router import require_version
from shared.values.faults import Invalid, NotFound
from shared.values.ids import new_id

TAKEN: Final = ("payee_id", "kind", "code", "description", "recurring", "percent", "treatment")


async def create_item(ctx: Ctx, item: PayItemIn) -> PayItemOut:
    """Add a pay item. Raises Invalid where it does not say what its kind needs."""
    garnishment = _stored(item.garnishment)
    terms = ItemTerms(item.kind, item.amount, item.percent, item.treatment, garnishment)
    require_sound(terms)
    require_order(item.from_, item.to)
    require_free_code(item.code, packs())
    try:
        payee = await get_payee(ctx, item.payee_id)
    except NotFound:
        raise Invalid.field("/payee_id", "unknown_payee", "There is no such payee.") from None
    await _require_currency(ctx, payee.id, terms)
    row_id = new_id()
    row = PayItem(
        tenant_id=ctx.tenant.id,
        id=row_id,
        created_at=ctx.now,
        updated_at=ctx.now,
        starts_on=item.from_,
        ends_on=item.to,
        state=begin(ctx, LIFECYCLE, row_id),
        **{name: getattr(item, name) for name in TAKEN},
    )
    row.set_money(item.amount)
    await seal(ctx, row, order_terms=garnishment)
    ctx.session.add(row)
    await ctx.tx.flush()
    return queries.show_item(ctx, row, reveal=False)


async def change_item(ctx: Ctx, item_id: UUID, change: PayItemChange, *, version: int) -> PayItemOut:
    """Change an item for runs to come, based on the version the caller has seen.

    Raises OwnedByBenefit for one that hr makes, and ItemOver for one that is settled or cancelled.
    """
    row = await queries.get_item(ctx, item_id, lock=True)
    require_version(row, version)
    _require_own(row)
    if row.state != ItemState.ACTIVE:
        raise ItemOver(f"This pay item is {row.state}; it changes no more.", state=row.state)
    terms = _changed_terms(ctx, row, change)
    given = change.model_fields_set
    starts_on = change.from_ if "from_" in given else row.starts_on
    ends_on = change.to if "to" in given else row.ends_on
    require_sound(terms)
    require_order(starts_on, ends_on)
    if given & {"amount", "garnishment"}:
        await _require_currency(ctx, row.payee_id, terms)
    if "garnishment" in given:
        await seal(ctx, row, order_terms=terms.garnishment)
    # Only now: a query in between would write a half-changed row, which the table refuses.
    row.starts_on, row.ends_on = starts_on, ends_on
    row.percent, row.treatment = terms.percent, terms.treatment
    row.set_money(terms.amount)
    if "description" in given:
        row.description = change.description
    touch(row, ctx.now)
    await ctx.tx.flush()
    return queries.show_item(ctx, row, reveal=False)


async def cancel_item(ctx: Ctx, item_id: UUID, *, reason: str | None) -> PayItemOut:
    """Have an item no longer; what runs have paid of it stays. Raises OwnedByBenefit for one that hr makes."""
    row = await queries.get_item(ctx, item_id, lock=True)
    _require_own(row)
    advance(ctx, LIFECYCLE, row, "cancel", why=reason)
    await ctx.tx.flush()
    return queries.show_item(ctx, row, reveal=False)


def _changed_terms(ctx: Ctx, row: PayItem, change: PayItemChange) -> ItemTerms:
    """What an item would say after a change."""
    given = change.model_fields_set
    treatment = Treatment(row.treatment) if row.treatment else None
    before = ItemTerms(
        ItemKind(row.kind), row.money, row.percent, treatment, queries.terms_of_order(ctx, row)
    )
    changes = {name: getattr(change, name) for name in given & {"amount", "percent", "treatment"}}
    if "garnishment" in given:
        changes["garnishment"] = _stored(change.garnishment)
    return replace(before, **changes)


def _require_own(row: PayItem) -> None:
    if row.election_id is not None:
        raise OwnedByBenefit(
            "A benefit in hr makes this item; change or end it there.", election_id=row.election_id
        )


def _stored(garnishment: GarnishmentIn | None) -> dict[str, Any] | None:
    return None if garnishment is None else garnishment.model_dump(mode="json", exclude_none=True)


async def _require_currency(ctx: Ctx, payee_id: UUID, terms: ItemTerms) -> None:
    """Refuse amounts in another currency than the one that somebody is paid in, where that is known (422)."""
    amounts = [(f"/garnishment/{name}", each["currency"]) for name, each in order_amounts(terms.garnishment)]
    if terms.amount is not None:
        amounts.append(("/amount", terms.amount.currency))
    name = await find_pack(ctx, payee_id) if amounts else None
    pack = packs().get(name) if name else None
    for pointer, currency in amounts:
        if pack is not None and currency != pack.currency:
            text = f"The payee is paid in {pack.currency}."
            raise Invalid.field(f"{pointer}/currency", "currency_mismatch", text)
