"""Invoices over HTTP."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from services.billing.documents.sending import PDF, XML, as_data, on_paper
from services.billing.invoices import actions, queries
from services.billing.invoices.models import InvoiceSettings
from services.billing.invoices.schemas import (
    InvoiceChange,
    InvoiceIn,
    InvoiceOut,
    InvoiceSettingsChange,
    InvoiceSettingsOut,
    InvoiceSummaryOut,
    VoidIn,
)
from shared.approvals.routes import ACCEPTED, accepted
from shared.approvals.rows import Approval
from shared.http.documents import Document
from shared.http.finding import From, Ids, Number, Q, To, View, Where
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
    overdue: bool | None = None,
    from_: From = None,
    to: To = None,
    view: View = "full",
) -> Page[InvoiceOut] | Page[InvoiceSummaryOut]:
    """Invoices, newest first; overdue ones are finalized, past their due date and not settled.

    `from` and `to` are days of issue, which drafts do not have. The state may be given several times: any of them.
    """
    where = Where(ctx).among("id", ids).add("number =", number).add("order_id =", order_id)
    where.add("customer_id =", customer_id).among("state", state).days("issued_on", from_, to)
    if overdue is not None:
        where = queries.overdue(where, ctx.today, wanted=overdue)
    lists = queries.list_heads if view == "summary" else queries.list_invoices
    return await lists(ctx, page, where, q)


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


@router.verb("/invoices/{invoice_id}/finalize", scope="billing:write", response_model=InvoiceOut)
async def finalize_invoice(ctx: CtxDep, invoice_id: UUID) -> InvoiceOut:
    """Date, number and post a draft; from then on it never changes."""
    return await queries.show_invoice(ctx, await actions.finalize_invoice(ctx, invoice_id))


@router.verb(
    "/invoices/{invoice_id}/void", scope="billing:write", response_model=InvoiceOut, responses=ACCEPTED
)
async def void_invoice(ctx: CtxDep, invoice_id: UUID, body: VoidIn | None = None) -> InvoiceOut | Response:
    """Take an invoice back on which nothing was paid or credited; its posting is reversed today.

    Above the tenant's `void_approval_limit` it is only asked for: 202 with the approval, at `Location`. The invoice is
    voided once somebody else has approved; until then asking again for the same answers the same approval.
    """
    done = await actions.void_invoice(ctx, invoice_id, reason=body.reason if body else None)
    if isinstance(done, Approval):
        return await accepted(ctx, done)
    return await queries.show_invoice(ctx, done)


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


@router.document("/invoices/{invoice_id}/pdf", scope="billing:read", media_type=PDF)
async def get_invoice_pdf(ctx: CtxDep, invoice_id: UUID) -> Document:
    """The invoice on paper; drafts and voided ones say so on every page."""
    return await on_paper(ctx, await queries.get_document(ctx, invoice_id))


@router.document("/invoices/{invoice_id}/xml", scope="billing:read", media_type=XML)
async def get_invoice_xml(ctx: CtxDep, invoice_id: UUID) -> Document:
    """The invoice as EN 16931 data (UN/CEFACT CII); drafts have none."""
    return as_data(ctx, await queries.get_document(ctx, invoice_id))
