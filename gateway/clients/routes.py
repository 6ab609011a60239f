"""Clients over HTTP."""

from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Request, Response

from gateway.clients import actions, queries
from gateway.clients.models import Client
from gateway.clients.schemas import ClientIn, ClientOut, ClientWithSecret
from gateway.control import ControlDep
from gateway.identity.secrets import SecretKeeper
from shared.http.idempotency import ONCE_HEADER
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, Router

router = Router("Clients")


def _keeper(request: Request) -> SecretKeeper:
    return cast(SecretKeeper, request.app.state.keeper)


def _shown_once(response: Response) -> None:
    response.headers[ONCE_HEADER] = "client_secret"


KeeperDep = Annotated[SecretKeeper, Depends(_keeper)]
ShownOnce = Depends(_shown_once)
PATH = "/tenants/{tenant_id}/clients"


@router.create(PATH, scope="tenants:admin", response_model=ClientWithSecret, dependencies=[ShownOnce])
async def create_client(
    ctx: CtxDep, tenant_id: UUID, body: ClientIn, control: ControlDep, keeper: KeeperDep
) -> Client:
    """Make a client; its secret is in this answer and nowhere else."""
    return await actions.create_client(ctx, tenant_id, body, control=control, keeper=keeper)


@router.read(PATH, scope="tenants:admin", response_model=Page[ClientOut])
async def list_clients(ctx: CtxDep, tenant_id: UUID, page: PageDep) -> Page[Client]:
    """A tenant's clients, newest first, revoked ones included."""
    return await queries.list_clients(ctx, tenant_id, page)


@router.verb(
    PATH + "/{client_id}/rotate-secret",
    scope="tenants:admin",
    response_model=ClientWithSecret,
    dependencies=[ShownOnce],
)
async def rotate_secret(
    ctx: CtxDep, tenant_id: UUID, client_id: UUID, control: ControlDep, keeper: KeeperDep
) -> Client:
    """Replace the secret; the old one stops at once. `client_id` here is the resource's `id`."""
    return await actions.rotate_secret(ctx, tenant_id, client_id, control=control, keeper=keeper)


@router.remove(PATH + "/{client_id}", scope="tenants:admin")
async def revoke_client(ctx: CtxDep, tenant_id: UUID, client_id: UUID, control: ControlDep) -> None:
    """Revoke a client with all its tokens. `client_id` here is the resource's `id`."""
    await actions.revoke_client(ctx, tenant_id, client_id, control=control)
