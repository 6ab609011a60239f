"""Reading a list from every service that has it, all at once."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
import structlog

from gateway.control import Control
from gateway.identity import faults
from gateway.overviews.rules import Missing, Part
from gateway.tenants import queries as tenants
from gateway.tenants.rules import TenantState
from gateway.upstream.errors import ProxyError, UpstreamBusy, UpstreamProtocolError, UpstreamTimeout
from shared.context.ctx import Ctx
from shared.http.paging import PageQuery, filters_of

log = structlog.get_logger()
CODES = (
    (UpstreamTimeout, "upstream_timeout"),
    (UpstreamBusy, "overloaded"),
    (UpstreamProtocolError, "bad_gateway"),
)


async def find_services(ctx: Ctx) -> list[str]:
    """The services that the acting tenant has subscribed to; a suspended tenant's are shown to nobody."""
    tenant = await tenants.get_tenant(ctx, ctx.tenant.id)
    if tenant.state == TenantState.SUSPENDED:
        raise faults.TenantSuspended("This tenant is suspended.")
    if tenant.state == TenantState.CLOSED:
        raise faults.TenantIsClosed("This tenant is closed.")
    return tenant.services


async def ask_all(
    ctx: Ctx,
    noun: str,
    *,
    services: list[str],
    filters: Mapping[str, str],
    places: Mapping[str, UUID],
    limit: int,
    control: Control,
) -> tuple[list[Part], list[Missing]]:
    """What each service lists as `<service>-<noun>` after its place, and who of them is missing.

    A service that has no such list is none of them; one that has not told its routes may have one.
    """
    silent = control.silent()
    having = [each for each in services if control.owner(f"{each}-{noun}") == each]
    asked = (_ask(ctx, noun, each, filters, places.get(each), limit, control) for each in having)
    answers = await asyncio.gather(*asked)
    missing = [
        Missing(each, "service_unavailable") for each in services if each in silent and each not in having
    ]
    return [a for a in answers if isinstance(a, Part)], missing + [
        a for a in answers if isinstance(a, Missing)
    ]


async def _ask(
    ctx: Ctx,
    noun: str,
    service: str,
    filters: Mapping[str, str],
    place: UUID | None,
    limit: int,
    control: Control,
) -> Part | Missing:
    path = f"/v1/{service}-{noun}"
    query = {**filters, "limit": str(limit)}
    if place is not None:
        query["cursor"] = PageQuery(limit, None, filters_of(path, filters.items())).next_cursor(place)
    try:
        status, body = await control.read(ctx, service, path, urlencode(query))
    except ProxyError as error:
        log.warning("a service does not list", upstream=service, list=path, error=str(error))
        return Missing(
            service, next((code for kind, code in CODES if isinstance(error, kind)), "service_unavailable")
        )
    return _part(service, status, body)


def _part(service: str, status: int, body: bytes) -> Part | Missing:
    try:
        answer: dict[str, Any] = orjson.loads(body)
        if status != 200:
            return Missing(service, str(answer["code"]))
        return Part(service, answer["items"], answer["next"] is not None)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return Missing(service, "bad_gateway")
