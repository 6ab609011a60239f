"""Reads of order imports."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import select

from services.orders.imports.models import OrderImport
from services.orders.imports.rules import LIFECYCLE
from services.orders.imports.schemas import ImportFailure, ImportOptions, ImportRowOut, OrderImportOut
from shared.context.ctx import Ctx
from shared.http.paging import Page, PageQuery, list_rows, page_of
from shared.values.faults import NotFound

ROWS = """
select row, order_ref, status, code, message, order_id from order_import_rows
where tenant_id = $1 and import_id = $2 and ($3::text is null or status = $3) and row > $4
order by row limit $5
"""


async def get_import(ctx: Ctx, import_id: UUID, *, lock: bool = False) -> OrderImport:
    """One import; locked when it is about to change."""
    statement = select(OrderImport).where(OrderImport.id == import_id)
    if lock:
        statement = statement.with_for_update()
    found = (await ctx.session.exec(statement)).one_or_none()
    if found is None:
        raise NotFound("order import", import_id)
    return found


async def list_imports(ctx: Ctx, page: PageQuery) -> Page[OrderImportOut]:
    """Imports, newest first."""
    found = await list_rows(ctx, OrderImport, page)
    return Page(items=[shown(row) for row in found.items], next=found.next)


async def list_import_rows(
    ctx: Ctx, import_id: UUID, page: PageQuery, *, status: str | None
) -> Page[ImportRowOut]:
    """What became of the rows that were dealt with so far, in the file's order."""
    await get_import(ctx, import_id)
    rows = await ctx.sql.fetch(ROWS, ctx.tenant.id, import_id, status, page.after_number or 0, page.limit + 1)
    return page_of([ImportRowOut(**row) for row in rows], page, lambda row: row.row)


async def find_old_piece(ctx: Ctx, import_id: UUID, start: int) -> bytes:
    """Some bytes, from `start` on (the first is 1), of a file that came before files were blobs; none at its end."""
    piece: bytes = await ctx.sql.fetchval(
        "select substring(content from $3 for 1048576) from order_import_files where tenant_id = $1 and id = $2",
        ctx.tenant.id,
        import_id,
        start,
    )
    return piece


async def find_settled(ctx: Ctx, import_id: UUID, numbers: Sequence[int]) -> set[int]:
    """Which of these rows the import is done with; what a run that died had finished."""
    rows = await ctx.sql.fetch(
        "select row from order_import_rows where tenant_id = $1 and import_id = $2 and row = any($3::bigint[])",
        ctx.tenant.id,
        import_id,
        numbers,
    )
    return {row["row"] for row in rows}


async def has_refused_rows(ctx: Ctx, import_id: UUID) -> bool:
    """Whether the import has refused a row so far."""
    found: bool = await ctx.sql.fetchval(
        "select exists (select from order_import_rows where tenant_id = $1 and import_id = $2 and status = 'failed')",
        ctx.tenant.id,
        import_id,
    )
    return found


def shown(row: OrderImport) -> OrderImportOut:
    """An import as its client sees it."""
    failure = None
    if row.error_code is not None:
        failure = ImportFailure(code=row.error_code, message=row.error_message or "")
    return OrderImportOut(
        options=ImportOptions.model_validate(row.options),
        error=failure,
        allowed_actions=LIFECYCLE.allowed(row.state),
        **row.model_dump(exclude={"options", "error_code", "error_message", "tenant_id", "blob_id"}),
    )
