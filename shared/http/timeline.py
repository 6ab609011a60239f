"""Timelines: who moved an aggregate, when, from where to where, and why."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from shared.context.ctx import Ctx
from shared.http.paging import Page, PageDep, PageQuery, page_of
from shared.http.router import CtxDep, Router
from shared.values.faults import NotFound


class TimelineEntry(BaseModel):
    """One move."""

    id: UUID
    at: datetime
    verb: str
    from_state: str | None
    to_state: str
    why: str | None
    actor_id: str
    actor_kind: str
    on_behalf_of: str | None


ENTRIES = """
select id, at, verb, from_state, to_state, why, actor_id, actor_kind, on_behalf_of from history
where tenant_id = $1 and aggregate = $2 and aggregate_id = $3 and id < $4
order by id desc limit $5
"""


async def list_entries(ctx: Ctx, aggregate: str, aggregate_id: UUID, page: PageQuery) -> Page[TimelineEntry]:
    """An aggregate's moves, newest first; every aggregate has at least its creation."""
    rows = await ctx.sql.fetch(ENTRIES, ctx.tenant.id, aggregate, aggregate_id, page.below_id, page.limit + 1)
    if not rows and page.after is None:
        raise NotFound(aggregate.replace("_", " "), aggregate_id)
    return page_of([TimelineEntry(**row) for row in rows], page, lambda entry: entry.id)


def add_timeline(router: Router, resource: str, aggregate: str, *, scope: str, one: str = "") -> None:
    """Declare `GET /v1/<resource>/{id}/timeline` for a stateful aggregate; `one` is what the operation calls one."""

    async def timeline(ctx: CtxDep, resource_id: UUID, page: PageDep) -> Page[TimelineEntry]:
        return await list_entries(ctx, aggregate, resource_id, page)

    timeline.__doc__ = f"Who moved this {aggregate.replace('_', ' ')}, when, and why; newest first."
    router.read(
        f"/{resource}/{{resource_id}}/timeline", scope=scope, name=f"list_{one or aggregate}_timeline"
    )(timeline)
