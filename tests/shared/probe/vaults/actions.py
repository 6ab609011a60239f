"""What can be done with vaults."""

from uuid import UUID

from sqlmodel import select

from shared.context.ctx import Ctx
from shared.context.sealed_fields import for_caller, opened, seal
from shared.database.tables import touch
from shared.http.router import require_version
from shared.values.faults import NotFound, Refused
from shared.values.ids import new_id
from tests.shared.probe.vaults.models import Vault
from tests.shared.probe.vaults.schemas import VaultIn, VaultOut


def show(ctx: Ctx, row: Vault, *, reveal: bool) -> VaultOut:
    shown = for_caller(ctx, VaultOut, row, reveal=reveal)
    return VaultOut(id=row.id, name=row.name, version=row.version, **shown)


async def get_vault(ctx: Ctx, vault_id: UUID) -> Vault:
    row = (await ctx.session.exec(select(Vault).where(Vault.id == vault_id))).one_or_none()
    if row is None:
        raise NotFound("vault", vault_id)
    return row


async def fill(ctx: Ctx, row: Vault, vault: VaultIn) -> Vault:
    row.name = vault.name
    await seal(
        ctx,
        row,
        account=vault.account.clear() if vault.account else None,
        code=vault.code.get_secret_value() if vault.code else None,
    )
    ctx.session.add(row)
    return row


async def create_vault(ctx: Ctx, vault: VaultIn) -> Vault:
    return await fill(ctx, Vault(tenant_id=ctx.tenant.id, id=new_id()), vault)


async def change_vault(ctx: Ctx, vault_id: UUID, vault: VaultIn, *, version: int) -> Vault:
    row = await get_vault(ctx, vault_id)
    require_version(row, version)
    touch(row, ctx.now)
    return await fill(ctx, row, vault)


async def compare_code(ctx: Ctx, vault_id: UUID, code: str) -> bool:
    """Work with a value that shows it to nobody."""
    secret = opened(ctx, await get_vault(ctx, vault_id), "code")
    return secret is not None and secret.get_secret_value() == code


async def stumble(ctx: Ctx, vault_id: UUID) -> VaultOut:
    """Show a vault in full, then refuse."""
    show(ctx, await get_vault(ctx, vault_id), reveal=True)
    raise Refused("Not today.")
