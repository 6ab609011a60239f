"""Voiding: a credit note cancels an invoice as a whole; above the tenant's limit once somebody else has approved.

The document that was issued stays as it is. What takes it back is a document of its own, with a number of the series
of credit notes (Directive 2006/112/EC, art. 219: it refers to the invoice and amends it).
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.billing.credit_notes.actions.issuing import tell_finalized
from services.billing.credit_notes.models import CreditNote, CreditNoteLine
from services.billing.credit_notes.rules import LIFECYCLE, SERIES
from services.billing.documents.queries import find_seller_facts
from services.billing.invoices import actions as invoices
from services.billing.invoices import queries as invoice_queries
from services.billing.invoices.queries import Invoice, InvoiceLine
from services.billing.invoices.rules import VOID, steps_to_void
from shared.approvals.asking import ask_approval
from shared.approvals.rows import Approval
from shared.context import lifecycle
from shared.context.ctx import Ctx
from shared.context.numbering import take_number
from shared.values.ids import new_id


async def void_invoice(ctx: Ctx, invoice_id: UUID, *, reason: str | None) -> Invoice | Approval:
    """Take a finalized invoice back, dated today; its number stays taken. Above the limit: ask that it be approved."""
    row = await invoice_queries.get_invoice(ctx, invoice_id, lock=True)
    invoices.require_voidable(row)
    settings = await invoice_queries.get_settings(ctx)
    steps = steps_to_void(row.gross, settings.void_approval_limit)
    if not steps:
        return await _void(ctx, row, reason=reason)
    return await ask_approval(
        ctx,
        VOID,
        row.id,
        subject=f"invoice {row.number}",
        command={"reason": reason},
        facts=invoices.void_facts(row),
        steps=steps,
        amount=row.gross,
        reason=reason,
    )


async def find_void_facts(ctx: Ctx, invoice_id: UUID) -> Mapping[str, Any]:
    """What the approval of a void depends on; the invoice is locked."""
    return invoices.void_facts(await invoice_queries.get_invoice(ctx, invoice_id, lock=True))


async def void_approved_invoice(ctx: Ctx, invoice_id: UUID, command: Mapping[str, Any]) -> Invoice:
    """Take an invoice back as it was approved."""
    row = await invoice_queries.get_invoice(ctx, invoice_id, lock=True)
    invoices.require_voidable(row)
    return await _void(ctx, row, reason=command["reason"])


async def _void(ctx: Ctx, row: Invoice, *, reason: str | None) -> Invoice:
    """Reverse its posting, have it cancelled by a credit note of all its lines, and tell of both."""
    credit_note_id = new_id()
    entry_id = await invoices.take_back(ctx, row, reason=reason)
    lines = (await invoice_queries.find_lines(ctx, [row.id]))[row.id]
    note = CreditNote(
        tenant_id=ctx.tenant.id,
        id=credit_note_id,
        created_at=ctx.now,
        updated_at=ctx.now,
        state=lifecycle.begin(ctx, LIFECYCLE, credit_note_id, verb="finalize", why=reason),
        invoice_id=row.id,
        customer_id=row.customer_id,
        seller=await find_seller_facts(ctx),
        currency=row.currency,
        net_minor=row.net_minor,
        tax_minor=row.tax_minor,
        gross_minor=row.gross_minor,
        tax_breakdown=row.tax_breakdown,
        unallocated_minor=0,
        reason=reason or f"Cancels invoice {row.number}",
        issued_on=ctx.today,
        entry_id=entry_id,
        cancels=True,
        number=await take_number(ctx, SERIES, ctx.today.year),
    )
    ctx.session.add(note)
    ctx.session.add_all(_whole_lines(note, lines))
    await ctx.tx.flush()
    invoices.tell_voided(ctx, row, credit_note_id=note.id, credit_note_number=note.number)
    tell_finalized(ctx, note, [], invoices.refs_of(row))
    await invoices.mail_if_wanted(ctx, LIFECYCLE.aggregate, note.id, note.number, row)
    return row


def _whole_lines(note: CreditNote, lines: Sequence[InvoiceLine]) -> list[CreditNoteLine]:
    return [
        CreditNoteLine(
            tenant_id=note.tenant_id,
            created_at=note.created_at,
            updated_at=note.updated_at,
            credit_note_id=note.id,
            invoice_line_id=line.id,
            position=line.position,
            quantity=line.quantity,
            discount_minor=line.discount_minor,
            net_minor=line.net_minor,
            tax_minor=line.tax_minor,
            gross_minor=line.gross_minor,
        )
        for line in lines
    ]
