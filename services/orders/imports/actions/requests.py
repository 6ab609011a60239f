"""Starting and cancelling an import."""

from uuid import UUID

from pydantic import ValidationError

from services.orders.imports import queries
from services.orders.imports.models import OrderImport
from services.orders.imports.rules import LIFECYCLE
from services.orders.imports.schemas import ImportOptions, OrderImportOut
from shared.background.jobs import cancel_job, start_job
from shared.context import lifecycle
from shared.context.ctx import Ctx
from shared.values.faults import FieldError, Invalid
from shared.values.ids import new_id

JOB = "order_import"


async def create_import(ctx: Ctx, *, file_name: str, content: bytes, options: str) -> OrderImportOut:
    """Keep the file and queue the work on it."""
    parsed = _options(options)
    if not content:
        raise Invalid.field("/file", "file_empty", "The file is empty.")
    import_id = new_id()
    row = OrderImport(
        tenant_id=ctx.tenant.id,
        id=import_id,
        state=lifecycle.begin(ctx, LIFECYCLE, import_id),
        file_name=_printable(file_name)[:200] or "orders",
        options=parsed.model_dump(mode="json"),
        created_at=ctx.now,
        updated_at=ctx.now,
    )
    ctx.session.add(row)
    await ctx.tx.flush()
    await ctx.sql.execute(
        "insert into order_import_files (tenant_id, id, content) values ($1, $2, $3)",
        ctx.tenant.id,
        import_id,
        content,
    )
    await start_job(ctx, JOB, import_id)
    return queries.shown(row)


async def cancel_import(ctx: Ctx, import_id: UUID) -> OrderImportOut:
    """Stop an import; what it has taken in stays."""
    row = await queries.get_import(ctx, import_id, lock=True)
    lifecycle.advance(ctx, LIFECYCLE, row, "cancel")
    await cancel_job(ctx, import_id)
    return queries.shown(row)


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable() and not "\ud800" <= c <= "\udfff").strip()


def _options(text: str) -> ImportOptions:
    try:
        return ImportOptions.model_validate_json(text)
    except ValidationError as error:
        found = [
            FieldError("/options" + "".join(f"/{part}" for part in e["loc"]), e["type"], e["msg"])
            for e in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise Invalid("The options are not acceptable.", errors=found) from error
