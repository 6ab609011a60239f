"""Waiting for what happens by itself after stock has arrived."""

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite, eventually


async def filled(suite: Suite, tenant: TenantFacts) -> None:
    """Wait until nothing that has arrived is still to be given to those who wait for it."""

    async def nothing_due() -> bool:
        async with suite["orders"].app_db.transaction(tenant.id) as tx:
            return not await tx.sql.fetchval(
                "select exists (select from due_times where tenant_id = $1 and kind = 'stock.arrived')",
                tenant.id,
            )

    await eventually(nothing_due)
