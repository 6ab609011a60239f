"""A file on its way in: row, store, and whoever wants to keep it; given up if nobody does."""

import asyncio
from collections.abc import AsyncIterable

import structlog

from shared.base.database_errors import DATABASE_ERRORS
from shared.base.error_text import error_text
from shared.blobs.records import abandon_upload, begin_upload
from shared.blobs.refs import BlobKey, BlobRef, sniffed
from shared.blobs.store import Blobs
from shared.context.unit_of_work import Runtime
from shared.values.faults import Unavailable

log = structlog.get_logger()
LONGEST_TEXT = 255  # of what a sender says of a file


class UploadTooSlow(Unavailable):
    """The file took longer than one may be on its way."""

    code = "upload_too_slow"


async def store_upload(
    runtime: Runtime,
    key: BlobKey,
    chunks: AsyncIterable[bytes],
    *,
    claimed_type: str = "",
    file_name: str = "",
) -> BlobRef:
    """Stream a file into the store, outside any transaction; `keep_blob` then makes it somebody's.

    What goes wrong leaves a row by which the sweep finds what was stored. The time is cut at half of what the sweep
    waits, so that no row is given up whose file still comes in.
    """
    await begin_upload(runtime.app_db, key)
    try:
        async with asyncio.timeout(runtime.settings.blobs_pending_hours * 1800):
            measure = await runtime.ports.get(Blobs).put(key, chunks)
    except TimeoutError as error:
        await give_up(runtime, key)
        raise UploadTooSlow("The file took too long.") from error
    except BaseException:
        await give_up(runtime, key)
        raise
    return BlobRef(
        key,
        measure.size,
        measure.sha256,
        sniffed(measure.head),
        printable(claimed_type),
        printable(file_name),
    )


async def give_up(runtime: Runtime, key: BlobKey) -> None:
    """Have a file erased that no transaction kept; without a database the sweep does it by the row's age."""
    try:
        await abandon_upload(runtime.app_db, key)
    except DATABASE_ERRORS as error:
        log.warning("an upload is left to the sweep", key=key.path, error=error_text(error))


def printable(text: str) -> str:
    """What a sender says, as it can be kept and shown: no control characters, no half characters, not long."""
    return "".join(c for c in text if c.isprintable() and not "\ud800" <= c <= "\udfff").strip()[
        :LONGEST_TEXT
    ]
