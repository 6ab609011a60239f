"""Statements over HTTP, below the customers of orders."""

from uuid import UUID

from services.billing.documents.sending import PDF, statement_on_paper
from services.billing.statements import queries
from services.billing.statements.schemas import From, StatementOut, To
from shared.http.documents import Document
from shared.http.router import CtxDep, Router

router = Router("Statements")


@router.read(
    "/customers/{customer_id}/statement", scope="billing:read", guest=True, response_model=StatementOut
)
async def get_statement(ctx: CtxDep, customer_id: UUID, from_: From = None, to: To = None) -> StatementOut:
    """What a customer owed before, each invoice, credit note, payment and what else moved it, and what it owes now.

    Invoices and credit notes never change once they are issued: what happened to them since stands here. `overdue` is
    what was past its due date at the end of the last day.
    """
    return StatementOut.of(await queries.get_statement(ctx, customer_id, from_=from_, to=to))


@router.document("/customers/{customer_id}/statement/pdf", scope="billing:read", guest=True, media_type=PDF)
async def get_statement_pdf(ctx: CtxDep, customer_id: UUID, from_: From = None, to: To = None) -> Document:
    """The statement on paper."""
    return await statement_on_paper(ctx, await queries.get_statement(ctx, customer_id, from_=from_, to=to))
