"""Pay items that hr's benefits make and end, in whatever order and however often hr tells of them."""

from datetime import date
from typing import Any, Final
from uuid import UUID

from services.payroll.pay_items import queries
from services.payroll.pay_items.models import BenefitElection, PayItem
from services.payroll.pay_items.rules import LIFECYCLE, BenefitItem, ItemKind, ItemState, benefit_items
from services.payroll.payees.actions import known_payee
from shared.context.ctx import Ctx
from shared.context.lifecycle import begin, step
from shared.contracts.hr import BenefitElected, BenefitEnded
from shared.database.tables import touch
from shared.values.ids import new_id

TERMS: Final = {
    "plan_code", "treatment", "employee_amount", "employee_percent", "employer_amount", "employer_percent",
    "effective_on",
}  # fmt: skip
NO_BENEFIT: Final = "the benefit ended before it began, or gives this side nothing"


async def record_elected(ctx: Ctx, event: BenefitElected) -> None:
    """Have the items of a benefit, by its newest terms."""
    election = await _known(ctx, event)
    if event.version <= election.elected_version:
        return
    election.elected_version = event.version
    election.terms = event.model_dump(mode="json", include=TERMS)
    touch(election, ctx.now)
    await _apply(ctx, election)


async def record_ended(ctx: Ctx, event: BenefitEnded) -> None:
    """End the items of a benefit on its last day; one that is not known yet is ended when hr tells of it."""
    election = await _known(ctx, event)
    if event.version <= election.ended_version:
        return
    election.ended_version, election.last_day = event.version, event.effective_on
    touch(election, ctx.now)
    if election.terms is not None:
        await _apply(ctx, election)
    await ctx.tx.flush()


async def _known(ctx: Ctx, event: BenefitElected | BenefitEnded) -> BenefitElection:
    """The election, under its payee's lock; one that hr tells of for the first time comes to be."""
    payee = await known_payee(ctx, employment_id=event.employment_id, employee_id=event.employee_id)
    found = await queries.find_election(ctx, event.election_id)
    if found is None:
        found = BenefitElection(
            tenant_id=ctx.tenant.id,
            payee_id=payee.id,
            election_id=event.election_id,
            version=0,
            created_at=ctx.now,
            updated_at=ctx.now,
        )
        ctx.session.add(found)
    return found


async def _apply(ctx: Ctx, election: BenefitElection) -> None:
    """Make the items what terms and end say; what was told last of the two decides whether it has ended."""
    terms = BenefitElected.model_validate(
        (election.terms or {}) | _ids(election) | {"version": election.elected_version}
    )
    ends_on = election.last_day if election.ended_version > election.elected_version else None
    wanted = {
        item.kind: item
        for item in benefit_items(
            employee_amount=terms.employee_amount,
            employee_percent=terms.employee_percent,
            employer_amount=terms.employer_amount,
            employer_percent=terms.employer_percent,
        )
        if ends_on is None or ends_on >= terms.effective_on
    }
    there = await queries.find_of_benefit(ctx, election.election_id)
    for kind, item in wanted.items():
        row = there.get(kind) or _begun(ctx, election, kind)
        _set(ctx, row, terms, item, ends_on)
        ctx.session.add(row)
    for row in there.values():
        if row.kind not in wanted and row.state == ItemState.ACTIVE:
            step(ctx, LIFECYCLE, row, "cancel", why=NO_BENEFIT)
            touch(row, ctx.now)
    await ctx.tx.flush()


def _ids(election: BenefitElection) -> dict[str, Any]:
    """What the contract asks for beside the terms."""
    ids: dict[str, UUID] = {"employee_id": election.payee_id, "employment_id": election.payee_id}
    return ids | {"election_id": election.election_id}


def _begun(ctx: Ctx, election: BenefitElection, kind: ItemKind) -> PayItem:
    """A new item of a benefit, its terms still to be set."""
    row_id = new_id()
    return PayItem(
        tenant_id=ctx.tenant.id,
        id=row_id,
        version=0,
        created_at=ctx.now,
        updated_at=ctx.now,
        payee_id=election.payee_id,
        election_id=election.election_id,
        kind=kind,
        code="",
        recurring=True,
        starts_on=date.min,
        state=begin(ctx, LIFECYCLE, row_id),
    )


def _set(ctx: Ctx, row: PayItem, terms: BenefitElected, item: BenefitItem, ends_on: date | None) -> None:
    """An item as the benefit's terms say."""
    if row.state == ItemState.CANCELLED:
        step(ctx, LIFECYCLE, row, "resume")
    row.code = terms.plan_code
    row.starts_on, row.ends_on = terms.effective_on, ends_on
    row.set_money(item.amount)
    row.percent = item.percent
    row.treatment = terms.treatment if item.kind is ItemKind.DEDUCTION else None
    touch(row, ctx.now)
