"""Putting an overview together: whom to ask is known in the transaction, they are asked after it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from starlette.responses import Response

from gateway.control import Control
from gateway.overviews import queries, rules
from shared.context.ctx import Ctx
from shared.http.afterwards import Afterwards
from shared.http.paging import PageQuery, bad_cursor


async def overview(
    ctx: Ctx, noun: str, page: PageQuery, *, control: Control, **filters: str | UUID | None
) -> Response:
    """A page of what all services of the tenant list under a noun; slow ones hold no connection of ours."""
    services = await queries.find_services(ctx)
    places = _places(page)
    given = {name: str(value) for name, value in filters.items() if value is not None}

    async def put_together() -> Response:
        return _answer(
            await _page(ctx, noun, page, services=services, places=places, filters=given, control=control)
        )

    return Afterwards(put_together)


def _places(page: PageQuery) -> rules.Places:
    try:
        return rules.read(page.after)
    except ValueError as error:
        raise bad_cursor() from error


async def _page(
    ctx: Ctx,
    noun: str,
    page: PageQuery,
    *,
    services: list[str],
    places: rules.Places,
    filters: Mapping[str, str],
    control: Control,
) -> dict[str, Any]:
    parts, missing = await queries.ask_all(
        ctx, noun, services=services, filters=filters, places=places, limit=page.limit, control=control
    )
    merged = rules.merged(parts, places, limit=page.limit)
    return {
        "items": merged.items,
        "next": page.next_cursor(rules.written(merged.places)) if merged.more else None,
        "missing": missing,
    }


def _answer(page: dict[str, Any]) -> Response:
    return Response(orjson.dumps(page), media_type="application/json")
