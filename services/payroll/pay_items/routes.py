"""Pay items over HTTP."""

from uuid import UUID

from services.payroll.pay_items import actions, queries
from services.payroll.pay_items.rules import ItemKind, ItemState
from services.payroll.pay_items.schemas import PayItemCancelIn, PayItemChange, PayItemIn, PayItemOut
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, IfMatch, Router
from shared.http.timeline import add_timeline

router = Router("Pay items")


@router.create("/pay-items", scope="payroll:write")
async def create_pay_item(ctx: CtxDep, body: PayItemIn) -> PayItemOut:
    """Add something that is paid or taken beside salary: once, or with `recurring` in every period.

    Bonus, commission and expense are amounts. A deduction says by `treatment` whether it comes before taxes;
    it and an employer's contribution are amounts or percentages. A garnishment states the terms of its order.
    """
    return await actions.create_item(ctx, body)


@router.read("/pay-items", scope="payroll:read")
async def list_pay_items(
    ctx: CtxDep,
    page: PageDep,
    payee_id: UUID | None = None,
    state: ItemState | None = None,
    kind: ItemKind | None = None,
) -> Page[PayItemOut]:
    """Pay items, newest first; the terms of orders are masked."""
    return await queries.list_items(ctx, page, payee_id=payee_id, state=state, kind=kind)


@router.read("/pay-items/{item_id}", scope="payroll:read")
async def get_pay_item(ctx: CtxDep, item_id: UUID) -> PayItemOut:
    """One pay item."""
    return queries.show_item(ctx, await queries.get_item(ctx, item_id), reveal=True)


@router.change("/pay-items/{item_id}", scope="payroll:write")
async def change_pay_item(ctx: CtxDep, item_id: UUID, body: PayItemChange, version: IfMatch) -> PayItemOut:
    """Change an active item for runs to come; one that a benefit makes is changed in hr (409 `owned_by_hr`)."""
    return await actions.change_item(ctx, item_id, body, version=version)


@router.verb("/pay-items/{item_id}/cancel", scope="payroll:write")
async def cancel_pay_item(ctx: CtxDep, item_id: UUID, body: PayItemCancelIn | None = None) -> PayItemOut:
    """Have an item no longer; what runs have paid of it stays."""
    return await actions.cancel_item(ctx, item_id, reason=body.reason if body else None)


add_timeline(router, "pay-items", "pay_item", scope="payroll:read")
