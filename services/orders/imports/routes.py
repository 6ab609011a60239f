"""Order imports over HTTP."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import File, Form, Query

from services.orders.imports import actions, queries
from services.orders.imports.schemas import ImportRowOut, OrderImportOut
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, Router
from shared.http.timeline import add_timeline
from shared.http.uploads import Upload

LARGEST_FILE = 64 * 1024 * 1024
EXAMPLES = [
    '{"mapping": {"order_ref": "Order No", "sku": "Item"}, "create_missing": ["products", "customers"]}',
    '{"encoding": "windows-1252", "delimiter": ";", "decimal": ",", "date_format": "%d.%m.%Y"}',
    '{"format": "xlsx", "sheet": "Orders", "currency": "EUR", "confirm": true, "on_error": "reject_all"}',
]
router = Router("Order imports")


@router.create("/order-imports", scope="orders:write", status=202, upload_limit=LARGEST_FILE)
async def create_order_import(
    ctx: CtxDep,
    file: Annotated[Upload, File(description="Orders as CSV, JSON lines or .xlsx, at most 64 MiB.")],
    options: Annotated[str, Form(description="ImportOptions as JSON.", examples=EXAMPLES)] = "{}",
) -> OrderImportOut:
    """Take a file of orders in; the answer is a job to look at.

    Rows with one order_ref make one order, all or nothing; an order_ref is never imported twice. Columns that no field
    is mapped to are not read. Each row that is refused has a code and a sentence that says what to do.
    """
    return await actions.create_import(ctx, file=file.blob, options=options)


@router.read("/order-imports", scope="orders:read")
async def list_order_imports(ctx: CtxDep, page: PageDep) -> Page[OrderImportOut]:
    """Imports, newest first."""
    return await queries.list_imports(ctx, page)


@router.read("/order-imports/{import_id}", scope="orders:read")
async def get_order_import(ctx: CtxDep, import_id: UUID) -> OrderImportOut:
    """An import and how far it is."""
    return queries.shown(await queries.get_import(ctx, import_id))


@router.read("/order-imports/{import_id}/rows", scope="orders:read")
async def list_order_import_rows(
    ctx: CtxDep,
    import_id: UUID,
    page: PageDep,
    status: Annotated[Literal["imported", "failed", "skipped"] | None, Query()] = None,
) -> Page[ImportRowOut]:
    """What became of each row, in the file's order; `status=failed` is the report of refusals."""
    return await queries.list_import_rows(ctx, import_id, page, status=status)


@router.verb("/order-imports/{import_id}/cancel", scope="orders:write")
async def cancel_order_import(ctx: CtxDep, import_id: UUID) -> OrderImportOut:
    """Stop an import; what it has taken in stays."""
    return await actions.cancel_import(ctx, import_id)


add_timeline(router, "order-imports", "order_import", scope="orders:read")
