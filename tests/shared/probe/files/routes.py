"""Files over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import File, Form
from starlette.responses import Response

from shared.blobs.records import delete_blob, find_blob, keep_blob
from shared.blobs.refs import BlobRef
from shared.http.downloads import Download
from shared.http.router import CtxDep, Router
from shared.http.uploads import Upload, UploadDep
from shared.values.faults import Refused

router = Router("Files")
W, R = "probe:write", "probe:read"
LIMIT = 64 * 1024 * 1024


def shown(ref: BlobRef) -> dict[str, Any]:
    return {
        "id": str(ref.id), "size": ref.size, "sha256": ref.sha256.hex(), "media_type": ref.media_type,
        "claimed_type": ref.claimed_type, "file_name": ref.file_name,
    }  # fmt: skip


@router.create("/files", scope=W, upload_limit=LIMIT)
async def create_file(
    ctx: CtxDep, file: Annotated[Upload, File()], note: Annotated[str, Form()] = ""
) -> dict[str, Any]:
    """Keep a file, unless the note says otherwise."""
    if note == "forget":
        return shown(file.blob)
    await keep_blob(ctx, file.blob)
    if note == "refuse":
        raise Refused("Refused after keeping.")
    if note == "explode":
        raise RuntimeError("a bug after keeping")
    return shown(file.blob) | {"note": note}


@router.upload("/files/raw", scope=W, upload_limit=1000, media_types=("image/png", "image/jpeg"))
async def put_raw(ctx: CtxDep, file: UploadDep) -> dict[str, Any]:
    """Keep a body."""
    await keep_blob(ctx, file)
    return shown(file)


@router.read("/files/{file_id}", scope=R)
async def get_file(ctx: CtxDep, file_id: UUID) -> dict[str, Any]:
    """What is known of a file."""
    return shown(await find_blob(ctx, file_id))


@router.read("/files/{file_id}/content", scope=R, response_class=Response)
async def get_content(ctx: CtxDep, file_id: UUID) -> Response:
    """Its bytes."""
    ref = await find_blob(ctx, file_id)
    return Download(ctx, ref, name=ref.file_name)


@router.remove("/files/{file_id}", scope=W)
async def delete_file(ctx: CtxDep, file_id: UUID) -> None:
    """Let go of it."""
    await delete_blob(ctx, file_id)


@router.verb("/files/{file_id}/delete-and-fail", scope=W)
async def delete_and_fail(ctx: CtxDep, file_id: UUID) -> dict[str, Any]:
    """Let go of it, then meet a refusal."""
    await delete_blob(ctx, file_id)
    raise Refused("Refused after deleting.")
