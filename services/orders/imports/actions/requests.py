"""Starting and cancelling an import."""

from uuid import UUID

from pydantic import ValidationError

from services.orders.imports import queries
from services.orders.imports.models import OrderImport
from services.orders.imports.rules import LIFECYCLE, names_whole_dates
from services.orders.imports.schemas import ImportOptions, OrderImportOut
from shared.background.jobs import cancel_job, start_job
from shared.blobs.records import delete_blob, keep_blob
from shared.blobs.refs import BlobRef
from shared.context import lifecycle
from shared.context.ctx import Ctx
from shared.values.faults import FieldError, Invalid
from shared.values.ids import new_id

JOB = "order_import"


async def create_import(ctx: Ctx, *, file: BlobRef, options: str) -> OrderImportOut:
    """Keep the file and queue the work on it."""
    parsed = _options(options)
    if not file.size:
        raise Invalid.field("/file", "file_empty", "The file is empty.")
    import_id = new_id()
    row = OrderImport(
        tenant_id=ctx.tenant.id,
        id=import_id,
        state=lifecycle.begin(ctx, LIFECYCLE, import_id),
        file_name=file.file_name[:200] or "orders",
        blob_id=await keep_blob(ctx, file),
        options=parsed.model_dump(mode="json"),
        created_at=ctx.now,
        updated_at=ctx.now,
    )
    ctx.session.add(row)
    await start_job(ctx, JOB, import_id)
    return queries.shown(row)


async def cancel_import(ctx: Ctx, import_id: UUID) -> OrderImportOut:
    """Stop an import; what it has taken in stays."""
    row = await queries.get_import(ctx, import_id, lock=True)
    lifecycle.advance(ctx, LIFECYCLE, row, "cancel")
    await cancel_job(ctx, import_id)
    if row.blob_id is not None:
        await delete_blob(ctx, row.blob_id)
    return queries.shown(row)


def _options(text: str) -> ImportOptions:
    """The options of a new import; those of earlier ones are kept as they were accepted then."""
    try:
        options = ImportOptions.model_validate_json(text)
    except ValidationError as error:
        found = [
            FieldError("/options" + "".join(f"/{part}" for part in e["loc"]), e["type"], e["msg"])
            for e in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise Invalid("The options are not acceptable.", errors=found) from error
    if options.date_format is not None and not names_whole_dates(options.date_format):
        raise Invalid.field(
            "/options/date_format",
            "date_format_unusable",
            "No whole date can be read by this format; each directive is one of C's strptime and stands there once.",
        )
    _require_meaning(options)
    return options


def _require_meaning(options: ImportOptions) -> None:
    """Refuse an option that means nothing to the file's format."""
    if options.format != "csv" and options.encoding != "utf-8":
        text = "JSON lines are UTF-8 (RFC 8259), and workbooks say themselves what they are."
        raise Invalid.field("/options/encoding", "encoding_unusable", text)
    if options.format != "csv" and options.delimiter != "auto":
        raise Invalid.field("/options/delimiter", "delimiter_unusable", "Only CSV has a delimiter.")
    if options.format != "xlsx" and options.sheet is not None:
        raise Invalid.field("/options/sheet", "sheet_unusable", "Only workbooks (xlsx) have sheets.")
