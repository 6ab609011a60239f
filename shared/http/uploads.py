"""Uploads: what a route with `upload_limit=` takes. The body is streamed into the file store before the transaction.

A form's file reaches the endpoint as `Upload`, a body that is the file itself as `UploadDep`; both carry the file's
reference, and `keep_blob` makes it the tenant's. A file that no committed transaction keeps is given up: after a
refusal, a replayed answer, a broken connection.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Annotated, Protocol
from uuid import UUID

from fastapi import Depends, UploadFile
from starlette.datastructures import FormData
from starlette.datastructures import UploadFile as StarletteUpload
from starlette.requests import Request

from shared.blobs.refs import BlobKey, BlobRef
from shared.blobs.uploads import give_up, store_upload
from shared.context.unit_of_work import Runtime
from shared.http import idempotency
from shared.http.multipart import MultipartReader, Part, boundary_of
from shared.values.faults import Malformed, TooLarge, WrongMediaType
from shared.values.ids import new_id

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

Store = Callable[[AsyncIterator[bytes], str, str], Awaitable[BlobRef]]
FORM = "backoffice.form"  # in a request's scope: the form, its file in the store already
FILE = "backoffice.upload"  # the same for a body that is the file
PIECE = 64 * 1024  # what is split and hashed at a time, so that others have their turn in between
MOST_PARTS = 20
FIELD_LIMIT = 64 * 1024


class UploadRoute(Protocol):
    """What is to be known of a route that takes an upload."""

    upload_limit: int
    media_types: tuple[str, ...]

    @property
    def reads_form(self) -> bool:
        """Whether the file is part of a form."""
        ...


class Upload(UploadFile):
    """A form's file that lies in the store; of the sender's words `filename` and `content_type` are left."""

    blob: BlobRef

    @classmethod
    def of(cls, part: Part, blob: BlobRef) -> "Upload":
        """The file of a form's part."""
        upload = cls(BytesIO(), size=blob.size, filename=part.file_name)
        upload.blob = blob
        return upload


async def _file_of(request: Request) -> BlobRef:
    blob: BlobRef = request.scope[FILE]
    return blob


UploadDep = Annotated[BlobRef, Depends(_file_of)]


@dataclass(slots=True)
class Body:
    """A request's body on its way: counted, hashed, in small pieces."""

    request: Request
    limit: int
    hash: "Hash"
    size: int = 0

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body; raises `TooLarge` at the first byte beyond the limit."""
        told = self.request.headers.get("content-length", "")
        self._refuse_above(self.limit, int(told) if told.isdecimal() else 0)
        async for chunk in self.request.stream():
            self.size += len(chunk)
            self._refuse_above(self.limit, self.size)
            for at in range(0, len(chunk), PIECE):
                piece = chunk[at : at + PIECE]
                self.hash.update(piece)
                yield piece

    @staticmethod
    def _refuse_above(limit: int, size: int) -> None:
        if size > limit:
            raise TooLarge(f"The body is larger than {limit} bytes.", limit=limit)


@asynccontextmanager
async def received(
    request: Request, operation: UploadRoute, runtime: Runtime, tenant_id: UUID
) -> AsyncIterator[bytes]:
    """Take the body in, for the length of a block that may keep its file; yields what makes two requests the same.

    Of a form that is what its parts hold. The body's own hash stands behind it, for answers kept by a release before.
    """
    keyring = runtime.app_db.keyring
    body = Body(request, operation.upload_limit, idempotency.begun_hash(request))
    files: list[BlobRef] = []

    async def store(chunks: AsyncIterator[bytes], claimed_type: str, file_name: str = "") -> BlobRef:
        if files:
            raise Malformed("The form has more than one file.")
        key = BlobKey(tenant_id, runtime.name, new_id())
        files.append(await store_upload(runtime, key, chunks, claimed_type=claimed_type, file_name=file_name))
        return files[0]

    try:
        if operation.reads_form:
            boundary = boundary_of(request.headers.get("content-type", ""))
            form = request.scope[FORM] = await _form(MultipartReader(body.pieces(), boundary), store)
            same = idempotency.hash_of_form(request, _contents(form), keyring)
            yield same + idempotency.hash_of_upload(body.hash, keyring)
        else:
            claimed = _media_type(request, operation.media_types)
            request.scope[FILE] = await store(body.pieces(), claimed)
            yield idempotency.hash_of_upload(body.hash, keyring)
    finally:
        for file in files:
            await give_up(runtime, file.key)


async def _form(reader: MultipartReader, store: Store) -> FormData:
    """The form's fields, and its one file in the store."""
    found: list[tuple[str, str | StarletteUpload]] = []
    while (part := await reader.next_part()) is not None:
        if len(found) == MOST_PARTS:
            raise Malformed(f"The form has more than {MOST_PARTS} parts.")
        if part.file_name is None:
            found.append((part.name, await _text(reader, part)))
            continue
        blob = await store(reader.chunks(), part.media_type, part.file_name)
        found.append((part.name, Upload.of(part, blob)))
    return FormData(found)


def _contents(form: FormData) -> Iterator[tuple[str, bytes]]:
    """Each part's name and the SHA-256 of what it holds; a file's begins with a byte more, as it is no text."""
    for name, value in form.multi_items():
        if isinstance(value, Upload):
            yield name, b"\1" + value.blob.sha256
        else:
            assert isinstance(value, str)
            yield name, b"\0" + sha256(value.encode()).digest()


async def _text(reader: MultipartReader, part: Part) -> str:
    content = b""
    async for chunk in reader.chunks():
        content += chunk
        if len(content) > FIELD_LIMIT:
            raise TooLarge(
                f"The form's field {part.name[:50]} is larger than {FIELD_LIMIT} bytes.", limit=FIELD_LIMIT
            )
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"The form's field {part.name[:50]} is not valid UTF-8.") from error


def _media_type(request: Request, allowed: tuple[str, ...]) -> str:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in allowed:
        raise WrongMediaType(f"Send the body as {' or '.join(allowed)}.")
    return kind
