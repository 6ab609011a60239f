"""The store of files, over obstore: a stream in, a stream out, erased by key. It knows nothing of rows or rights."""

import asyncio
import os
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog
from obstore.exceptions import BaseError
from obstore.store import ObjectStore

from shared.base.error_text import error_text
from shared.base.settings import KernelSettings
from shared.blobs.refs import HEAD, BlobKey, BlobRef, key_at
from shared.blobs.settings import BlobsUnusable, store_of
from shared.values.faults import Unavailable

if TYPE_CHECKING:
    from obstore import BytesStream

log = structlog.get_logger()
STORE_ERRORS = (BaseError, OSError)
# What an upload holds in memory, at most three times: the smallest part that S3 takes, less for a disk.
S3_PART = 5 * 1024 * 1024
DISK_PART = 1024 * 1024
PIECE = 64 * 1024  # what a reader gets at a time
READY = "ready/probe"  # no tenant's path: theirs begin with a UUID
PROBE = b"Backoffice keeps files here."


class StoreAway(Unavailable):
    """The store does not take or give files now: out of reach, full, or not allowed to us."""

    code = "blob_store_away"


class BlobLost(RuntimeError):  # noqa: N818 - named for what happened
    """The store has not, or not wholly, what the database says is in it."""


class Measure:
    """Size, hash and first bytes of a stream, taken while it passes, and what went wrong within it."""

    def __init__(self, chunks: AsyncIterable[bytes]) -> None:
        """Nothing has passed yet."""
        self._chunks = chunks
        self._hash = sha256()
        self.size = 0
        self.head = b""
        self.error: BaseException | None = None

    @property
    def sha256(self) -> bytes:
        """The hash of what has passed."""
        return self._hash.digest()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The stream, unchanged."""
        try:
            async for chunk in self._chunks:
                self.size += len(chunk)
                self._hash.update(chunk)
                if len(self.head) < HEAD:
                    self.head += chunk[: HEAD - len(self.head)]
                yield chunk
        except Exception as error:
            self.error = error
            raise


class Blobs:
    """A folder or bucket of files. A file appears whole or not at all, and never changes."""

    def __init__(self, store: ObjectStore, folder: Path | None) -> None:
        """`folder` is where a store of files on disk keeps them."""
        self._store = store
        self._folder = folder
        self._part = S3_PART if folder is None else DISK_PART

    async def put(self, key: BlobKey, chunks: AsyncIterable[bytes]) -> Measure:
        """Store a stream; what it raises is raised, what the store refuses is `StoreAway`."""
        measure = Measure(chunks)
        try:
            await self._store.put_async(key.path, aiter(measure), chunk_size=self._part, max_concurrency=2)
            if self._folder is not None:
                await asyncio.to_thread(_settle, self._folder / key.path, self._folder)
        except STORE_ERRORS as error:
            if measure.error is not None:
                raise measure.error from None
            raise _away("take", key.path, error) from error
        return measure

    async def open(self, ref: BlobRef) -> AsyncIterator[bytes]:
        """A file's bytes in pieces; raises before the first one when the store has not what the row says."""
        try:
            found = await self._store.get_async(ref.key.path)
        except FileNotFoundError as error:
            raise BlobLost(f"{ref.key.path} is not in the store; restore it from its backup") from error
        except STORE_ERRORS as error:
            raise _away("give", ref.key.path, error) from error
        if found.meta["size"] != ref.size:
            raise BlobLost(f"{ref.key.path} has {found.meta['size']} bytes, its row says {ref.size}")
        return _pieces(found.stream(min_chunk_size=PIECE), ref.key.path)

    async def read(self, ref: BlobRef) -> bytes:
        """A whole file that is known to be small enough, compared with its hash."""
        content = b"".join([piece async for piece in await self.open(ref)])
        if await asyncio.to_thread(lambda: sha256(content).digest()) != ref.sha256:
            raise BlobLost(f"{ref.key.path} is not what was stored; restore it from its backup")
        return content

    def path(self, key: BlobKey) -> Path | None:
        """Where a file lies on this machine; None where the store is a bucket."""
        return None if self._folder is None else self._folder / key.path

    async def erase(self, key: BlobKey) -> None:
        """Remove a file and what an interrupted write has left of it; one that is not there is gone already."""
        try:
            await self._store.delete_async(key.path)
        except FileNotFoundError:
            log.debug("nothing to erase", key=key.path)
        except STORE_ERRORS as error:
            raise _away("erase", key.path, error) from error
        if self._folder is not None:
            await asyncio.to_thread(_remove_drafts, self._folder / key.path)

    async def size(self, key: BlobKey) -> int | None:
        """How large a file is; None when the store has not got it."""
        try:
            return (await self._store.head_async(key.path))["size"]
        except FileNotFoundError:
            return None
        except STORE_ERRORS as error:
            raise _away("find", key.path, error) from error

    async def listed(self, *, older_than: float) -> AsyncIterator[list[BlobKey]]:
        """All files that have lain there for so many seconds, some at a time."""
        newest = datetime.now(UTC) - timedelta(seconds=older_than)
        async for found in self._store.list_async(chunk_size=500):
            keys = (key_at(each["path"]) for each in found if each["last_modified"] < newest)
            yield [key for key in keys if key is not None]

    async def prove(self) -> None:
        """Write and read an object of our own, and leave one for `reachable`; raises whatever the store says."""
        path = f"ready/{uuid4()}"
        await self._store.put_async(path, PROBE)
        try:
            found = await self._store.get_async(path)
            if bytes(await found.bytes_async()) != PROBE:
                raise BlobLost("what was just written reads otherwise")
        finally:
            await self._store.delete_async(path)
        await self._store.put_async(READY, PROBE)

    async def reachable(self) -> bool:
        """Whether the object that a start has left can be read."""
        found = await self._store.get_async(READY)
        return bytes(await found.bytes_async()) == PROBE


async def _pieces(stream: "BytesStream", path: str) -> AsyncIterator[bytes]:
    try:
        async for piece in stream:
            yield bytes(piece)
    except STORE_ERRORS as error:
        raise _away("give", path, error) from error


def _away(verb: str, path: str, error: Exception) -> StoreAway:
    log.error("the file store refuses", verb=verb, key=path, error=error_text(error))
    return StoreAway("Files cannot be stored or read at the moment; try again.")


def _settle(path: Path, root: Path) -> None:
    """Have the disk hold a new file, and the folders that lead to it, before a row says that it is there."""
    while True:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if path == root:
            return
        path = path.parent


def _remove_drafts(path: Path) -> None:
    """Remove what a killed process was writing: obstore gathers a file beside its place, as `<name>#<number>`."""
    for draft in path.parent.glob(f"{path.name}#*"):
        draft.unlink(missing_ok=True)


@asynccontextmanager
async def open_blobs(settings: KernelSettings) -> AsyncIterator[Blobs]:
    """The port from the settings, once a file was written and read back; raises `BlobsUnusable` with the remedy."""
    store, folder = store_of(settings)
    blobs = Blobs(store, folder)
    try:
        await blobs.prove()
    except (*STORE_ERRORS, BlobLost) as error:
        reason = str(error).partition("\n")[0][:500]
        raise BlobsUnusable(
            f"The file store at BACKOFFICE_BLOBS_URL={settings.blobs_url} cannot be written and read: {reason}. "
            "Check that the folder is writable and has room, or the bucket, BACKOFFICE_BLOBS_S3_ENDPOINT and the keys."
        ) from error
    yield blobs
