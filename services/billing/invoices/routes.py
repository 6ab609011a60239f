"""Invoices over HTTP."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import Field

from services.billing.documents.sending import PDF, XML, as_data, judged, on_paper
from services.billing.invoices import actions, queries
from services.billing.invoices.models import InvoiceSettings
from services.billing.invoices.schemas import (
    InvoiceChange,
    InvoiceIn,
    InvoiceOut,
    InvoiceSettingsChange,
    InvoiceSettingsOut,
    InvoiceSummaryOut,
)
from shared.http.documents import Document
from shared.http.finding import From, Ids, Number, Q, To, View, Where
from shared.http.idempotency import answered_once
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, IfMatch, Router
from shared.http.timeline import add_timeline

InvoicePage = Annotated[Page[InvoiceOut] | Page[InvoiceSummaryOut], Field(union_mode="left_to_right")]
router = Router("Invoices")
add_timeline(router, "invoices", "invoice", scope="billing:read")


@router.create("/invoices", scope="billing:write", response_model=InvoiceOut)
async def create_invoice(ctx: CtxDep, body: InvoiceIn) -> InvoiceOut:
    """Write a draft invoice; it has no number until it is finalized."""
    return await queries.show_invoice(ctx, await actions.create_invoice(ctx, body))


@router.read(
    "/invoices",
    scope="billing:read",
    waits_for="order_id",
    response_model=InvoicePage,
)
async def list_invoices(
    ctx: CtxDep,
    page: PageDep,
    q: Q = None,
    ids: Ids = None,
    number: Number = None,
    order_id: UUID | None = None,
    customer_id: UUID | None = None,
    state: Annotated[list[Literal["draft", "finalized", "voided"]] | None, Query()] = None,
    open_: Annotated[bool | None, Query(alias="open")] = None,
    overdue: bool | None = None,
    from_: From = None,
    to: To = None,
    view: View = "full",
) -> Page[InvoiceOut] | Page[InvoiceSummaryOut]:
    """Invoices, newest first; open ones have something left to pay, overdue ones also are past their due date.

    `from` and `to` are days of issue, which drafts do not have. The state may be given several times: any of them.
    """
    where = (
        queries.unsettled(Where(ctx), ctx.today, is_open=open_, is_overdue=overdue)
        .among("id", ids)
        .add("number =", number)
        .add("order_id =", order_id)
        .add("customer_id =", customer_id)
        .among("state", state)
        .days("issued_on", from_, to)
    )
    if view == "summary":
        return await queries.list_heads(ctx, page, where, q)
    return await queries.list_invoices(ctx, page, where, q)


@router.read("/invoices/{invoice_id}", scope="billing:read", response_model=InvoiceOut)
async def get_invoice(ctx: CtxDep, invoice_id: UUID) -> InvoiceOut:
    """One invoice."""
    return await queries.read_invoice(ctx, invoice_id)


@router.change("/invoices/{invoice_id}", scope="billing:write", response_model=InvoiceOut)
async def change_invoice(ctx: CtxDep, invoice_id: UUID, body: InvoiceChange, version: IfMatch) -> InvoiceOut:
    """Rewrite parts of a draft; `lines` replaces all lines."""
    return await queries.show_invoice(
        ctx, await actions.change_invoice(ctx, invoice_id, body, version=version)
    )


@router.remove("/invoices/{invoice_id}", scope="billing:write")
async def delete_invoice(ctx: CtxDep, invoice_id: UUID) -> None:
    """Throw a draft away; no number is lost with it."""
    await actions.delete_invoice(ctx, invoice_id)


@router.verb(
    "/invoices/{invoice_id}/finalize",
    scope="billing:write",
    response_model=InvoiceOut,
    dependencies=[answered_once("delivery")],
)
async def finalize_invoice(ctx: CtxDep, invoice_id: UUID) -> InvoiceOut:
    """Date, number and post a draft; from then on it never changes.

    `e_invoice` says whether it is a valid e-invoice, or why not. Where the seller's profile has `e_invoice_required`,
    one that is not valid stays a draft: 409 `not_en16931`.
    """
    done = await actions.finalize_invoice(ctx, invoice_id)
    shown = InvoiceOut.of(done.row, done.lines, judged(done.content))
    return await queries.with_delivery(ctx, shown)


@router.read("/invoice-settings", scope="billing:read", response_model=InvoiceSettingsOut)
async def get_invoice_settings(ctx: CtxDep) -> InvoiceSettings:
    """What the tenant wants done with its invoices: `void_approval_limit`, null where no void needs approval."""
    return await queries.get_settings(ctx)


@router.change("/invoice-settings", scope="billing:approve", response_model=InvoiceSettingsOut)
async def change_invoice_settings(
    ctx: CtxDep, body: InvoiceSettingsChange, version: IfMatch
) -> InvoiceSettings:
    """Change them; approvals that are pending keep the steps they were asked for with."""
    return await actions.change_settings(ctx, body, version=version)


Original = Annotated[bool, Query(description="Of a voided invoice: as it was issued.")]


@router.document("/invoices/{invoice_id}/pdf", scope="billing:read", media_type=PDF)
async def get_invoice_pdf(ctx: CtxDep, invoice_id: UUID, original: Original = False) -> Document:
    """The invoice on paper, always as it was issued; drafts say on every page that they are.

    Of a voided one: 409 `voided`, which names the credit note that cancels it, unless `original` is asked for.
    """
    return await on_paper(ctx, await queries.get_document(ctx, invoice_id, original=original))


@router.document("/invoices/{invoice_id}/xml", scope="billing:read", media_type=XML)
async def get_invoice_xml(ctx: CtxDep, invoice_id: UUID, original: Original = False) -> Document:
    """The invoice as EN 16931 data (UN/CEFACT CII; XRechnung where the customer asks for it), always as it was issued.

    What is not valid is not served: 409 `not_en16931`, whose `reasons` name each rule, the fact and what to mend.
    Drafts have no XML (409 `draft`); of a voided one see the PDF.
    """
    return as_data(ctx, await queries.get_document(ctx, invoice_id, original=original))
