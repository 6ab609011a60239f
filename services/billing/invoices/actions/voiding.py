"""Voiding, as far as the invoice goes: its posting is reversed. What cancels it is a credit note (`credit_notes`)."""

from typing import Any
from uuid import UUID

from services.billing.invoices import queries
from services.billing.invoices.actions.issuing import refs_of
from services.billing.invoices.models import Invoice, InvoiceSettings
from services.billing.invoices.rules import LIFECYCLE, OVERDUE, InvoiceSettled, stated
from services.billing.invoices.schemas import InvoiceSettingsChange
from services.billing.ledger import actions as ledger
from shared.context import lifecycle
from shared.context.ctx import Ctx
from shared.contracts.billing import InvoiceVoided
from shared.database.tables import touch
from shared.http.router import require_version


def void_facts(row: Invoice) -> dict[str, Any]:
    """What the approval of a void depends on."""
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


def require_voidable(row: Invoice) -> None:
    """Refuse to void what is no finalized invoice, or one of which something was settled."""
    LIFECYCLE.target(row.state, "void")
    if row.open != row.gross or not row.credited.is_zero:
        raise InvoiceSettled(
            "Something was paid, credited or written off on this invoice. Deallocate or reverse what settled it, or "
            "credit the rest instead.",
            open=stated(row.open),
            paid=stated(row.paid),
            credited=stated(row.credited),
            written_off=stated(row.written_off),
        )


async def take_back(ctx: Ctx, row: Invoice, *, reason: str | None) -> UUID | None:
    """Reverse the posting of a locked invoice today; returns the reversal, none where the invoice has no posting."""
    entry_id = None
    if row.entry_id is not None:
        memo = f"Void of invoice {row.number}"
        entry_id = await ledger.reverse_entry(
            ctx, row.entry_id, effective_on=ctx.today, memo=memo, source=("void", row.id)
        )
    lifecycle.advance(ctx, LIFECYCLE, row, "void", why=reason)
    row.open_minor = 0
    ctx.unschedule(OVERDUE, row.id)
    await ctx.tx.flush()
    return entry_id


def tell_voided(ctx: Ctx, row: Invoice, *, credit_note_id: UUID, credit_note_number: str) -> None:
    """Tell other services that an invoice is void, and which credit note cancels it."""
    ctx.emit(
        InvoiceVoided(
            invoice_id=row.id,
            number=row.number or "",
            customer_id=row.customer_id,
            gross=row.gross,
            source_refs=refs_of(row),
            credit_note_id=credit_note_id,
            credit_note_number=credit_note_number,
        ),
        subject=row.id,
        version=row.version,
    )


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
