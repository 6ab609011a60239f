"""What goes along with goods, over HTTP."""

from uuid import UUID

from services.orders.papers import queries
from services.orders.papers.rules import draw_goods_paper
from shared.http.documents import Document
from shared.http.router import CtxDep, Router

router = Router("Fulfilments")
PDF = "application/pdf"


@router.document("/fulfilments/{fulfilment_id}/pick-list", scope="orders:read", media_type=PDF)
async def get_pick_list(ctx: CtxDep, fulfilment_id: UUID) -> Document:
    """What to collect, by SKU, with boxes to tick; in the language of the tenant's country."""
    paper = await queries.get_paper(ctx, fulfilment_id, "pick_list")
    return Document(ctx, draw_goods_paper, paper, name=f"pick-list-{paper.file_name}.pdf", media_type=PDF)


@router.document("/fulfilments/{fulfilment_id}/delivery-note", scope="orders:read", media_type=PDF)
async def get_delivery_note(ctx: CtxDep, fulfilment_id: UUID) -> Document:
    """What is in the delivery, without prices, to be signed; in the customer's language."""
    paper = await queries.get_paper(ctx, fulfilment_id, "delivery_note")
    return Document(ctx, draw_goods_paper, paper, name=f"delivery-note-{paper.file_name}.pdf", media_type=PDF)
