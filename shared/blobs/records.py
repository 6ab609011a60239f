"""Rows of files: what a transaction says of a file that the store has, or is to let go of.

`pending` while it comes in, `kept` once a committed transaction refers to it, `deleted` once one has let go of it,
`abandoned` when no transaction came to keep it. Only `kept` files are anybody's; `shared.blobs.sweep` erases the rest.
"""

from uuid import UUID

from shared.blobs.refs import BlobKey, BlobRef
from shared.context.ctx import Ctx
from shared.database.pool import Database
from shared.values.faults import NotFound, Refused

BEGIN = "insert into blobs (tenant_id, id, state) values ($1, $2, 'pending')"
KEEP = """
update blobs set state = 'kept', changed_at = now(), size = $3, sha256 = $4, media_type = $5, claimed_type = $6,
  file_name = $7
where tenant_id = $1 and id = $2 and state = 'pending' returning id
"""
FIND = """
select size, sha256, media_type, claimed_type, file_name from blobs
where tenant_id = $1 and id = $2 and state = 'kept'
"""
DELETE = """
update blobs set state = 'deleted', changed_at = now()
where tenant_id = $1 and id = $2 and state = 'kept' returning id
"""
ABANDON = """
update blobs set state = 'abandoned', changed_at = now() where tenant_id = $1 and id = $2 and state = 'pending'
"""


class UploadExpired(Refused):
    """The file came in so long ago that it was given up before anything referred to it."""

    code = "upload_expired"


async def begin_upload(app: Database, key: BlobKey) -> None:
    """Say, before the first byte is stored, that a file may be there from now on."""
    async with app.transaction(key.tenant_id) as tx:
        await tx.sql.execute(BEGIN, key.tenant_id, key.id)


async def abandon_upload(app: Database, key: BlobKey) -> None:
    """Give a file up unless a committed transaction keeps it."""
    async with app.transaction(key.tenant_id) as tx:
        await tx.sql.execute(ABANDON, key.tenant_id, key.id)


async def keep_blob(ctx: Ctx, ref: BlobRef) -> UUID:
    """Keep an uploaded file; returns the id to refer to it by. Rolled back, the file is given up."""
    found: UUID | None = await ctx.sql.fetchval(
        KEEP, ctx.tenant.id, ref.id, ref.size, ref.sha256, ref.media_type, ref.claimed_type, ref.file_name
    )
    if found is None:
        raise UploadExpired("The file was not kept in time; send it again.")
    return found


async def find_blob(ctx: Ctx, blob_id: UUID) -> BlobRef:
    """A kept file of the tenant's, in this service; anybody else's is not there."""
    row = await ctx.sql.fetchrow(FIND, ctx.tenant.id, blob_id)
    if row is None:
        raise NotFound("file", blob_id)
    return BlobRef(BlobKey(ctx.tenant.id, ctx.service, blob_id), *row)


async def delete_blob(ctx: Ctx, blob_id: UUID) -> None:
    """Let go of a file; it is erased some time after the commit. Whoever refers to it stops doing so with it."""
    if await ctx.sql.fetchval(DELETE, ctx.tenant.id, blob_id) is None:
        raise NotFound("file", blob_id)
