"""Reads of pay items."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
from sqlmodel import select

from services.payroll.engine.inputs import Treatment
from services.payroll.pay_items.models import BenefitElection, PayItem
from services.payroll.pay_items.rules import DueItem, ItemKind, ItemState
from services.payroll.pay_items.schemas import OrderTermsOut, PayItemOut
from shared.context.ctx import Ctx
from shared.context.sealed_fields import for_caller, keyring_of, opened
from shared.database.sealing import Keyring, Place, Sealed
from shared.http.paging import Page, PageQuery, list_rows
from shared.values.faults import NotFound
from shared.values.money import Money

# Recurring ones in every period that has one of their days; the others from their first day on, until one is settled.
DUE = """
select id, payee_id, kind, code, recurring, starts_on, amount, currency, percent, treatment,
  order_terms from pay_items
where tenant_id = $1 and payee_id = any($2::uuid[]) and state = 'active' and starts_on <= $4
  and (ends_on is null or ends_on >= $3)
order by payee_id, starts_on, id
"""


async def get_item(ctx: Ctx, item_id: UUID, *, lock: bool = False) -> PayItem:
    """One pay item; locked when it is about to change."""
    statement = select(PayItem).where(PayItem.id == item_id)
    if lock:
        statement = statement.with_for_update()
    found = (await ctx.session.exec(statement)).one_or_none()
    if found is None:
        raise NotFound("pay item", item_id)
    return found


async def list_items(
    ctx: Ctx, page: PageQuery, *, payee_id: UUID | None, state: ItemState | None, kind: ItemKind | None
) -> Page[PayItemOut]:
    """Pay items, newest first; masked for everybody."""
    wanted: dict[Any, Any] = {PayItem.payee_id: payee_id, PayItem.state: state, PayItem.kind: kind}
    conditions = [column == value for column, value in wanted.items() if value is not None]
    found = await list_rows(ctx, PayItem, page, *conditions)
    return Page(items=[show_item(ctx, row, reveal=False) for row in found.items], next=found.next)


def show_item(ctx: Ctx, row: PayItem, *, reveal: bool) -> PayItemOut:
    """A pay item as the caller may see it; the terms of an order in full at most where it is read."""
    values = {name: getattr(row, name) for name in PayItem.model_fields.keys() - {"tenant_id", "order_terms"}}
    values |= {"money": row.money, "allowed_actions": row.allowed_actions}
    values["garnishment"] = for_caller(ctx, OrderTermsOut, row, reveal=reveal)["order_terms"]
    return PayItemOut.model_validate(values)


def terms_of_order(ctx: Ctx, row: PayItem) -> dict[str, Any] | None:
    """The terms of a garnishment's order in clear, to work with."""
    secret = opened(ctx, row, "order_terms")
    return None if secret is None else secret.get_secret_value()


async def find_of_benefit(ctx: Ctx, election_id: UUID) -> dict[str, PayItem]:
    """The items that a benefit has made, by their kinds; locked."""
    statement = select(PayItem).where(PayItem.election_id == election_id).with_for_update()
    return {item.kind: item for item in (await ctx.session.exec(statement)).all()}


async def find_election(ctx: Ctx, election_id: UUID) -> BenefitElection | None:
    """A benefit, if hr has told of it; its payee is locked, which keeps others from changing it."""
    statement = select(BenefitElection).where(BenefitElection.election_id == election_id)
    return (await ctx.session.exec(statement)).one_or_none()


async def find_settled(ctx: Ctx, run_id: UUID) -> Sequence[PayItem]:
    """The items that a run has settled; locked."""
    statement = select(PayItem).where(PayItem.settled_by == run_id).with_for_update()
    return (await ctx.session.exec(statement)).all()


async def find_due(
    ctx: Ctx, payee_ids: Collection[UUID], *, first: date, last: date
) -> dict[UUID, list[DueItem]]:
    """The items of payees that are due in a period, in the order of their days; who has none is left out."""
    found: dict[UUID, list[DueItem]] = {}
    keyring = keyring_of(ctx)
    for row in await ctx.sql.fetch(DUE, ctx.tenant.id, list(payee_ids), first, last):
        found.setdefault(row["payee_id"], []).append(_due(ctx.tenant.id, keyring, row))
    return found


def _due(tenant_id: UUID, keyring: Keyring, row: asyncpg.Record) -> DueItem:
    sealed = row["order_terms"]
    place = Place(tenant_id, "pay_items", "order_terms", row["id"])
    return DueItem(
        item_id=row["id"],
        payee_id=row["payee_id"],
        kind=ItemKind(row["kind"]),
        code=row["code"],
        recurring=row["recurring"],
        starts_on=row["starts_on"],
        amount=None if row["amount"] is None else Money.of(row["amount"], row["currency"]),
        percent=row["percent"],
        treatment=Treatment(row["treatment"]) if row["treatment"] else None,
        garnishment=None if sealed is None else keyring.open(place, Sealed(sealed)),
    )
