"""API keys over HTTP."""

from uuid import UUID

from fastapi import Depends, Response

from gateway.api_keys import actions, queries
from gateway.api_keys.models import ApiKey
from gateway.api_keys.schemas import ApiKeyIn, ApiKeyOut, ApiKeyWithKey
from gateway.control import ControlDep
from shared.http.idempotency import ONCE_HEADER
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, Router

router = Router("API keys")
PATH = "/tenants/{tenant_id}/api-keys"


def _shown_once(response: Response) -> None:
    response.headers[ONCE_HEADER] = "key"


@router.create(PATH, scope="tenants:admin", response_model=ApiKeyWithKey, dependencies=[Depends(_shown_once)])
async def create_api_key(ctx: CtxDep, tenant_id: UUID, body: ApiKeyIn, control: ControlDep) -> ApiKey:
    """Make a key; the key is in this answer and nowhere else."""
    return await actions.create_api_key(ctx, tenant_id, body, control=control)


@router.read(PATH, scope="tenants:admin", response_model=Page[ApiKeyOut])
async def list_api_keys(ctx: CtxDep, tenant_id: UUID, page: PageDep) -> Page[ApiKey]:
    """A tenant's keys, newest first, revoked ones included."""
    return await queries.list_api_keys(ctx, tenant_id, page)


@router.remove(PATH + "/{key_id}", scope="tenants:admin")
async def revoke_api_key(ctx: CtxDep, tenant_id: UUID, key_id: UUID, control: ControlDep) -> None:
    """Revoke a key."""
    await actions.revoke_api_key(ctx, tenant_id, key_id, control=control)
