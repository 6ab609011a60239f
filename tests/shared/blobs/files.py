"""What tests of files look at: rows, the folder, and the time that passes."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from shared.blobs.sweep import sweep_blobs
from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite, blobs_url


def folder() -> Path:
    return Path(unquote(urlsplit(blobs_url()).path))


def stored(tenant: TenantFacts) -> list[Path]:
    """A tenant's files, also those that an interrupted write has left."""
    return [path for path in (folder() / str(tenant.id)).rglob("*") if path.is_file()]


async def states(kernel: Suite, tenant: TenantFacts) -> list[str]:
    async with kernel["probe"].app_db.transaction(tenant.id) as tx:
        return [row["state"] for row in await tx.sql.fetch("select state from blobs order by id")]


async def older(kernel: Suite, tenant: TenantFacts, *, hours: float) -> None:
    """Let the tenant's rows of files be older."""
    async with kernel["probe"].worker_db.transaction(None) as tx:
        await tx.sql.execute(
            "update blobs set changed_at = changed_at - $2 * interval '1 hour' where tenant_id = $1",
            tenant.id,
            hours,
        )


async def later(kernel: Suite, tenant: TenantFacts, *, hours: float) -> None:
    """Let time pass, and the sweep come by until it finds nothing more: what it gives up first is then erased."""
    await older(kernel, tenant, hours=hours)
    while await sweep_blobs(kernel["probe"]):
        pass
