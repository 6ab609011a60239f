"""Mails over HTTP: `/v1/<service>-mails`, in one shape for every service that sends any."""

from typing import Annotated, Final
from uuid import UUID

import asyncpg
from fastapi import Query

from shared.context.ctx import Ctx
from shared.context.lifecycle import IllegalTransition
from shared.http.idempotency import answered_once
from shared.http.paging import Page, PageDep, page_of
from shared.http.router import CtxDep, Router
from shared.mail.delivery import MailState
from shared.mail.post import Post
from shared.values.faults import NotFound
from shared.values.fields import Timestamp, WireModel

COLUMNS: Final = """id, kind, state, aggregate, aggregate_id, number, recipient, copies, attempts, reason_code, reason,
  created_at, next_try_at, finished_at"""
LIST: Final = f"""
select {COLUMNS} from mails where tenant_id = $1 and id < $2 and ($3::text is null or state = $3)
order by id desc limit $4
"""  # noqa: S608 - our own column names
GET: Final = f"select {COLUMNS} from mails where tenant_id = $1 and id = $2"  # noqa: S608
RETRY: Final = f"""
update mails set state = 'queued', attempts = 0, queued_at = now(), next_try_at = now(), reason_code = null,
  reason = null, finished_at = null
where tenant_id = $1 and id = $2 and state = 'bounced' returning {COLUMNS}
"""  # noqa: S608


class MailAboutOut(WireModel):
    """The document that a mail is about."""

    kind: str
    id: UUID
    number: str | None


class MailReasonOut(WireModel):
    """Why a mail bounced, or was not taken at its last try: a code, and what the server said."""

    code: str
    message: str


class MailOut(WireModel):
    """A mail that is to be sent, was sent, or bounced. `next_try_at` is told while it waits."""

    id: UUID
    kind: str
    state: MailState
    about: MailAboutOut
    to: str | None
    cc: list[str] | None
    attempts: int
    reason: MailReasonOut | None
    allowed_actions: list[str]
    created_at: Timestamp
    next_try_at: Timestamp | None
    finished_at: Timestamp | None


def shown(row: asyncpg.Record) -> MailOut:
    """A mail as callers see it."""
    code, message = row["reason_code"], row["reason"]
    return MailOut(
        id=row["id"],
        kind=row["kind"],
        state=row["state"],
        about=MailAboutOut(kind=row["aggregate"], id=row["aggregate_id"], number=row["number"]),
        to=row["recipient"],
        cc=row["copies"],
        attempts=row["attempts"],
        reason=None if code is None else MailReasonOut(code=code, message=message),
        allowed_actions=["retry"] if row["state"] == "bounced" else [],
        created_at=row["created_at"],
        next_try_at=row["next_try_at"] if row["state"] == "queued" else None,
        finished_at=row["finished_at"],
    )


async def retry(ctx: Ctx, mail_id: UUID) -> asyncpg.Record:
    """Have a bounced mail tried again from its first attempt."""
    found = await find_mail(ctx, mail_id)
    ctx.port(Post).require_set_up()
    row = await ctx.sql.fetchrow(RETRY, ctx.tenant.id, mail_id)
    if row is None:
        raise IllegalTransition(
            f"This mail is {found['state']}; only bounced ones are tried again.",
            state=found["state"],
            allowed_actions=[],
        )
    ctx.record_move(row["aggregate"], row["aggregate_id"], "mail", "bounced", "queued", None)
    return row


async def find_mail(ctx: Ctx, mail_id: UUID) -> asyncpg.Record:
    """One mail of the tenant's."""
    row = await ctx.sql.fetchrow(GET, ctx.tenant.id, mail_id)
    if row is None:
        raise NotFound("mail", mail_id)
    return row


def mail_routes(service: str) -> Router:
    """The service's resource `/v1/<service>-mails`."""
    router = Router("Mails")
    path, scope = f"/{service}-mails", f"{service}:read"

    @router.read(path, scope=scope, name=f"list_{service}_mails")
    async def list_service_mails(
        ctx: CtxDep, page: PageDep, state: Annotated[MailState | None, Query()] = None
    ) -> Page[MailOut]:
        """Mails, newest first; `?state=bounced` are those that somebody has to look at."""
        rows = await ctx.sql.fetch(LIST, ctx.tenant.id, page.below_id, state, page.limit + 1)
        return page_of([shown(row) for row in rows], page, lambda mail: mail.id)

    @router.read(path + "/{mail_id}", scope=scope, name=f"get_{service}_mail")
    async def get_service_mail(ctx: CtxDep, mail_id: UUID) -> MailOut:
        """One mail and what became of it."""
        return shown(await find_mail(ctx, mail_id))

    @router.verb(
        path + "/{mail_id}/retry",
        scope=f"{service}:write",
        name=f"retry_{service}_mail",
        dependencies=[answered_once("to", "cc")],
    )
    async def retry_service_mail(ctx: CtxDep, mail_id: UUID) -> MailOut:
        """Try a bounced mail again from its first attempt; 409 `mail_not_set_up` where there is no server."""
        return shown(await retry(ctx, mail_id))

    return router
