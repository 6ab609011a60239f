"""Voiding: an invoice is taken back as a whole; above the tenant's limit once somebody else has approved it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.billing.invoices import queries
from services.billing.invoices.actions.issuing import refs_of
from services.billing.invoices.models import Invoice, InvoiceSettings
from services.billing.invoices.rules import LIFECYCLE, OVERDUE, VOID, InvoiceSettled, stated, steps_to_void
from services.billing.invoices.schemas import InvoiceSettingsChange
from services.billing.ledger import actions as ledger
from shared.approvals.asking import ask_approval
from shared.approvals.rows import Approval
from shared.context import lifecycle
from shared.context.ctx import Ctx
from shared.contracts.billing import InvoiceVoided
from shared.database.tables import touch
from shared.http.router import require_version


async def void_invoice(ctx: Ctx, invoice_id: UUID, *, reason: str | None) -> Invoice | Approval:
    """Take a finalized invoice back, dated today; its number stays taken. Above the limit: ask that it be approved."""
    row = await queries.get_invoice(ctx, invoice_id, lock=True)
    _require_voidable(row)
    settings = await queries.get_settings(ctx)
    steps = steps_to_void(row.gross, settings.void_approval_limit)
    if not steps:
        return await _void(ctx, row, reason=reason)
    return await ask_approval(
        ctx,
        VOID,
        row.id,
        subject=f"invoice {row.number}",
        command={"reason": reason},
        facts=_facts(row),
        steps=steps,
        amount=row.gross,
        reason=reason,
    )


async def find_void_facts(ctx: Ctx, invoice_id: UUID) -> Mapping[str, Any]:
    """What the approval of a void depends on; the invoice is locked."""
    return _facts(await queries.get_invoice(ctx, invoice_id, lock=True))


async def void_approved_invoice(ctx: Ctx, invoice_id: UUID, command: Mapping[str, Any]) -> Invoice:
    """Take an invoice back as it was approved."""
    row = await queries.get_invoice(ctx, invoice_id, lock=True)
    _require_voidable(row)
    return await _void(ctx, row, reason=command["reason"])


async def change_settings(ctx: Ctx, change: InvoiceSettingsChange, *, version: int) -> InvoiceSettings:
    """Say above which amount a void needs approval; what is asked for already keeps the steps it was asked for with."""
    row = await queries.get_settings(ctx, lock=True)
    require_version(row, version)
    if "void_approval_limit" in change.model_fields_set:
        limit = change.void_approval_limit
        row.void_limit_minor = None if limit is None else limit.minor
        row.void_limit_currency = None if limit is None else limit.currency
    touch(row, ctx.now)
    ctx.session.add(row)
    return row


def _facts(row: Invoice) -> dict[str, Any]:
    return {
        "number": row.number,
        "state": row.state,
        "customer_id": str(row.customer_id),
        "customer": row.customer["name"],
        "issued_on": str(row.issued_on),
        "gross": stated(row.gross),
        "open": stated(row.open),
        "credited": stated(row.credited),
    }


def _require_voidable(row: Invoice) -> None:
    LIFECYCLE.target(row.state, "void")
    if row.open_minor != row.gross_minor or row.credited_minor:
        raise InvoiceSettled(
            "Something was paid, credited or written off on this invoice. Deallocate or reverse what settled it, or "
            "credit the rest instead.",
            open=stated(row.open),
            paid=stated(row.paid),
            credited=stated(row.credited),
            written_off=stated(row.written_off),
        )


async def _void(ctx: Ctx, row: Invoice, *, reason: str | None) -> Invoice:
    """Reverse its posting, and tell."""
    if row.entry_id is not None:
        memo = f"Void of invoice {row.number}"
        await ledger.reverse_entry(
            ctx, row.entry_id, effective_on=ctx.today, memo=memo, source=("void", row.id)
        )
    lifecycle.advance(ctx, LIFECYCLE, row, "void", why=reason)
    row.open_minor = 0
    ctx.unschedule(OVERDUE, row.id)
    await ctx.tx.flush()
    ctx.emit(
        InvoiceVoided(
            invoice_id=row.id,
            number=row.number or "",
            customer_id=row.customer_id,
            gross=row.gross,
            source_refs=refs_of(row),
        ),
        subject=row.id,
        version=row.version,
    )
    return row
