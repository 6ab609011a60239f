"""Vaults over HTTP."""

from uuid import UUID

from shared.http.paging import Page, PageDep, list_rows
from shared.http.router import CtxDep, IfMatch, Router
from tests.shared.probe.vaults import actions
from tests.shared.probe.vaults.models import Vault
from tests.shared.probe.vaults.schemas import VaultIn, VaultOut

router = Router("Vaults")
W, R = "probe:write", "probe:read"


@router.create("/vaults", scope=W)
async def create_vault(ctx: CtxDep, body: VaultIn) -> VaultOut:
    """Add a vault."""
    return actions.show(ctx, await actions.create_vault(ctx, body), reveal=False)


@router.read("/vaults", scope=R)
async def list_vaults(ctx: CtxDep, page: PageDep) -> Page[VaultOut]:
    """Vaults, newest first."""
    found = await list_rows(ctx, Vault, page)
    return Page(items=[actions.show(ctx, row, reveal=True) for row in found.items], next=found.next)


@router.read("/vaults/{vault_id}", scope=R)
async def get_vault(ctx: CtxDep, vault_id: UUID) -> VaultOut:
    """One vault."""
    return actions.show(ctx, await actions.get_vault(ctx, vault_id), reveal=True)


@router.change("/vaults/{vault_id}", scope=W)
async def change_vault(ctx: CtxDep, vault_id: UUID, body: VaultIn, version: IfMatch) -> VaultOut:
    """Fill a vault anew."""
    return actions.show(ctx, await actions.change_vault(ctx, vault_id, body, version=version), reveal=False)


@router.verb("/vaults/{vault_id}/reveal", scope=W)
async def reveal(ctx: CtxDep, vault_id: UUID) -> VaultOut:
    """What no route may do: show in full where the answer may be kept."""
    return actions.show(ctx, await actions.get_vault(ctx, vault_id), reveal=True)


@router.read("/vaults/{vault_id}/stumble", scope=R)
async def stumble(ctx: CtxDep, vault_id: UUID) -> VaultOut:
    """Show in full, then refuse."""
    return await actions.stumble(ctx, vault_id)


@router.read("/vaults/{vault_id}/careless", scope=R)
async def careless(ctx: CtxDep, vault_id: UUID) -> VaultOut:
    """What no route can do: put a clear value into a masked field."""
    row = await actions.get_vault(ctx, vault_id)
    return VaultOut(id=row.id, name=row.name, version=row.version, account=None, code="QQ123456C")
