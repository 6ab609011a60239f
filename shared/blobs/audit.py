"""The store compared with the rows: files that are missing, and files that no row knows.

Neither comes about by itself. A store that was restored from an older copy than the database lacks files; one that is
newer has strays, which nobody can reach and the sweep does not see.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from shared.blobs.refs import BlobKey
from shared.blobs.store import Blobs

CHUNK = 500
# A file is younger than its row, but a listing and a query are not of one moment.
STRAY_SECONDS = 3600.0

KNOWN = """
select blobs.tenant_id, blobs.id from blobs
join unnest($1::uuid[], $2::uuid[]) as there(tenant_id, id) using (tenant_id, id)
"""
KEPT = """
select tenant_id, id, size from blobs where state = 'kept' and (tenant_id, id) > ($1, $2)
order by tenant_id, id limit $3
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """One file of which store and rows say different things."""

    key: BlobKey
    what: str  # missing, cut, stray


async def differences(blobs: Blobs, sql: asyncpg.Connection, service: str) -> AsyncIterator[Difference]:
    """What differs for one service; `sql` may read its rows over all tenants."""
    async for keys in blobs.listed(older_than=STRAY_SECONDS):
        ours = [key for key in keys if key.service == service]
        rows = await sql.fetch(KNOWN, [key.tenant_id for key in ours], [key.id for key in ours])
        known = {(row["tenant_id"], row["id"]) for row in rows}
        for key in ours:
            if (key.tenant_id, key.id) not in known:
                yield Difference(key, "stray")
    last = (UUID(int=0), UUID(int=0))
    while rows := await sql.fetch(KEPT, *last, CHUNK):
        for row in rows:
            key = BlobKey(row["tenant_id"], service, row["id"])
            size = await blobs.size(key)
            if size != row["size"]:
                yield Difference(key, "missing" if size is None else "cut")
        last = (rows[-1]["tenant_id"], rows[-1]["id"])
