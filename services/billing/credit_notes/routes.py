"""Credit notes over HTTP."""

from uuid import UUID

from starlette.responses import Response

from services.billing.credit_notes import actions, queries
from services.billing.credit_notes.schemas import CreditNoteIn, CreditNoteOut, CreditOut
from services.billing.documents.sending import PDF, XML, as_data, on_paper
from services.billing.invoices import queries as invoice_queries
from services.billing.invoices.schemas import AllocateIn, DeallocateIn, InvoiceOut, VoidIn
from shared.approvals.routes import ACCEPTED, accepted
from shared.approvals.rows import Approval
from shared.http.documents import Document
from shared.http.finding import From, Ids, Number, Q, To, Where
from shared.http.idempotency import answered_once
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, Router
from shared.http.timeline import add_timeline

router = Router("Credit notes")
add_timeline(router, "credit-notes", "credit_note", scope="billing:read")


@router.create(
    "/credit-notes",
    scope="billing:write",
    response_model=CreditNoteOut,
    dependencies=[answered_once("delivery")],
)
async def create_credit_note(ctx: CtxDep, body: CreditNoteIn) -> CreditNoteOut:
    """Take back all or part of an invoice; what it does not settle there stays as the customer's credit."""
    return await queries.show_credit_note(ctx, await actions.create_credit_note(ctx, body))


@router.read("/credit-notes", scope="billing:read", response_model=Page[CreditNoteOut])
async def list_credit_notes(
    ctx: CtxDep,
    page: PageDep,
    q: Q = None,
    ids: Ids = None,
    number: Number = None,
    invoice_id: UUID | None = None,
    customer_id: UUID | None = None,
    from_: From = None,
    to: To = None,
) -> Page[CreditNoteOut]:
    """Credit notes, newest first; `from` and `to` are days of issue."""
    where = Where(ctx).among("id", ids).add("number =", number).add("invoice_id =", invoice_id)
    where.add("customer_id =", customer_id).days("issued_on", from_, to)
    return await queries.list_credit_notes(ctx, page, where, q)


@router.read("/credit-notes/{credit_note_id}", scope="billing:read", response_model=CreditNoteOut)
async def get_credit_note(ctx: CtxDep, credit_note_id: UUID) -> CreditNoteOut:
    """One credit note."""
    return await queries.show_credit_note(ctx, await queries.get_credit_note(ctx, credit_note_id))


@router.verb(
    "/credit-notes/{credit_note_id}/allocate",
    scope="billing:write",
    response_model=CreditNoteOut,
    dependencies=[answered_once("delivery")],
)
async def allocate_credit_note(ctx: CtxDep, credit_note_id: UUID, body: AllocateIn) -> CreditNoteOut:
    """Settle further invoices of the customer from what is left of the credit note."""
    return await queries.show_credit_note(ctx, await actions.allocate_credit_note(ctx, credit_note_id, body))


@router.verb(
    "/credit-notes/{credit_note_id}/deallocate",
    scope="billing:write",
    response_model=CreditNoteOut,
    dependencies=[answered_once("delivery")],
)
async def deallocate_credit_note(ctx: CtxDep, credit_note_id: UUID, body: DeallocateIn) -> CreditNoteOut:
    """Have further invoices open again that the credit note has settled; its own invoice keeps what it took off."""
    row = await actions.deallocate_credit_note(ctx, credit_note_id, body)
    return await queries.show_credit_note(ctx, row)


@router.document("/credit-notes/{credit_note_id}/pdf", scope="billing:read", media_type=PDF)
async def get_credit_note_pdf(ctx: CtxDep, credit_note_id: UUID) -> Document:
    """The credit note on paper."""
    return await on_paper(ctx, await queries.get_document(ctx, credit_note_id))


@router.document("/credit-notes/{credit_note_id}/xml", scope="billing:read", media_type=XML)
async def get_credit_note_xml(ctx: CtxDep, credit_note_id: UUID) -> Document:
    """The credit note as EN 16931 data (UN/CEFACT CII)."""
    return as_data(ctx, await queries.get_document(ctx, credit_note_id))


@router.verb(
    "/invoices/{invoice_id}/void",
    scope="billing:write",
    response_model=InvoiceOut,
    responses=ACCEPTED,
    dependencies=[answered_once("delivery")],
)
async def void_invoice(ctx: CtxDep, invoice_id: UUID, body: VoidIn | None = None) -> InvoiceOut | Response:
    """Take an invoice back on which nothing was paid or credited: its posting is reversed today.

    A credit note of the whole cancels it, with its own number, PDF and XML; `GET /v1/credit-notes?invoice_id=` shows
    it. Above the tenant's `void_approval_limit` the void is only asked for: 202 with the approval, at `Location`. The
    invoice is voided once somebody else has approved; until then asking again answers the same approval.
    """
    done = await actions.void_invoice(ctx, invoice_id, reason=body.reason if body else None)
    if isinstance(done, Approval):
        return await accepted(ctx, done)
    return await invoice_queries.show_invoice(ctx, done)


@router.read("/credits", scope="billing:read", response_model=Page[CreditOut])
async def list_credits(ctx: CtxDep, page: PageDep, customer_id: UUID) -> Page[CreditOut]:
    """What of a customer's payments and credit notes settles nothing yet, newest first."""
    return await queries.list_credits(ctx, page, customer_id=customer_id)
