"""A file at a path of this machine, for what reads it from there: a process beside ours."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

from shared.blobs.refs import BlobRef
from shared.blobs.store import BlobLost, Blobs


@asynccontextmanager
async def local_file(blobs: Blobs, ref: BlobRef) -> AsyncIterator[Path]:
    """The file's path for the length of the block, once it was compared with its hash; not to be written to.

    Where the store is a folder it is the store's own file, else a copy, which is removed with the block.
    """
    own = blobs.path(ref.key)
    if own is None:
        async with temporary_file(_compared(blobs, ref)) as copy:
            yield copy
        return
    async for _ in _compared(blobs, ref):
        pass
    yield own


async def _compared(blobs: Blobs, ref: BlobRef) -> AsyncIterator[bytes]:
    """The file's bytes in pieces; raises `BlobLost` after the last one when they are not what was stored."""
    digest = sha256()
    async for piece in await blobs.open(ref):
        digest.update(piece)
        yield piece
    if digest.digest() != ref.sha256:
        raise BlobLost(f"{ref.key.path} is not what was stored; restore it from its backup")


@asynccontextmanager
async def temporary_file(pieces: AsyncIterable[bytes]) -> AsyncIterator[Path]:
    """A file of these bytes that nobody else may read, for the length of the block."""
    with NamedTemporaryFile(prefix="backoffice-") as file:
        async for piece in pieces:
            await asyncio.to_thread(file.write, piece)
        await asyncio.to_thread(file.flush)
        yield Path(file.name)
