"""Sending what is queued: a few mails at a time, tenants in turn, never inside a transaction.

A mail is claimed, its letter written in a transaction, handed over, and what came of it kept in another. A process
that dies in between leaves a lease that runs out: the mail is sent again, with the same Message-ID, so that a reader's
program shows it once. Logs name the mail, never whom it is for or what it says.
"""

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final

import asyncpg
import structlog

from shared.base import telemetry
from shared.base.database_errors import DATABASE_ERRORS
from shared.context.ctx import SYSTEM, Actor, Ctx
from shared.context.unit_of_work import Runtime, unit_of_work
from shared.mail import queue
from shared.mail.letters import Attachment, written
from shared.mail.post import NOT_SET_UP, OF_ONE, PLACES, Post
from shared.mail.smtp import WHOLE, NotTaken, hand_over
from shared.values.faults import Busy, Fault, Refused, TooManyAtOnce, Unavailable

log = structlog.get_logger()
EVERY_SECONDS: Final = 1.0
LETTER_SECONDS: Final = (
    120.0  # to write a letter and have its files made; a lease is that much longer than sending
)
LONGEST_PAUSE: Final = 4 * 3600.0
# What was queued before the server was taken out of the settings does not wait for ever.
GIVEN_UP_SECONDS: Final = 48 * 3600.0
LATER: Final = (Unavailable, Busy, TooManyAtOnce)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a try: sent, or why not, and whether that is for good."""

    sent: bool = False
    for_good: bool = False
    code: str = ""
    sentence: str = ""


async def deliver_mails(runtime: Runtime) -> bool:
    """Take up mails where a place is free and somebody's turn has come; returns whether more may be waiting."""
    post = runtime.ports.get(Post)
    if post.reporting.due():
        await queue.report(runtime.worker_db, runtime.name)
    aged = 0.0 if post.set_up else GIVEN_UP_SECONDS
    if len(post.at_work) < PLACES and await queue.look(runtime.worker_db, aged=aged):
        await _take_up(runtime, post, aged)
    if post.at_work:
        await asyncio.wait(post.at_work, timeout=EVERY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        return True
    return False


async def _take_up(runtime: Runtime, post: Post, aged: float) -> None:
    full = {tenant_id for tenant_id in post.at_work.values() if post.share.in_use(tenant_id) >= OF_ONE}
    lease = LETTER_SECONDS + WHOLE * runtime.settings.smtp_seconds
    free = PLACES - len(post.at_work)
    for row in await queue.claim(runtime.worker_db, aged=aged, but_of=full, limit=free, lease=lease):
        await post.share.take(row["tenant_id"])  # at once: tenants that have their share were left out
        post.begin(row["tenant_id"], _deliver(runtime, post, row))


async def _deliver(runtime: Runtime, post: Post, row: asyncpg.Record) -> None:
    """One try of one mail, whatever comes of it."""
    outcome = await _try(runtime, post, row)
    if outcome is None:
        return
    settings, attempts = runtime.settings, row["attempts"]
    bounced = outcome.for_good or attempts >= settings.mail_attempts
    told = "sent" if outcome.sent else "bounced" if bounced else "put off"
    telemetry.MAILS_TRIED.labels(runtime.name, told.replace(" ", "_")).inc()
    log.info("mail " + told, service=runtime.name, mail_id=str(row["id"]), kind=row["kind"], attempts=attempts,
             tenant_id=str(row["tenant_id"]), code=outcome.code)  # fmt: skip
    reason = (outcome.code, outcome.sentence)
    async with _work(runtime, row) as ctx:
        if outcome.sent:
            await queue.close_mail(ctx, row["id"], attempts, "sent")
        elif bounced:
            await queue.close_mail(ctx, row["id"], attempts, "bounced", reason)
        else:
            pause = min(LONGEST_PAUSE, settings.mail_backoff_seconds * 2.0 ** min(attempts - 1, 30))
            await queue.put_off(ctx, row["id"], attempts, pause, reason)


async def _try(runtime: Runtime, post: Post, row: asyncpg.Record) -> Outcome | None:
    """Write the letter and hand it over; None when another process has the mail."""
    try:
        return Outcome(sent=True) if await _send(runtime, post, row) else None
    except NotTaken as refusal:
        return Outcome(for_good=refusal.for_good, code=refusal.code, sentence=refusal.said)
    except Fault as fault:
        return Outcome(for_good=not isinstance(fault, LATER), code=fault.code, sentence=fault.detail)
    except DATABASE_ERRORS:
        raise
    except Exception as error:  # noqa: BLE001 - one mail that cannot be made must not stop the others
        log.warning("a letter could not be made", service=runtime.name, mail_id=str(row["id"]), kind=row["kind"],
                    tenant_id=str(row["tenant_id"]), error=type(error).__name__)  # fmt: skip
        return Outcome(code="internal", sentence="The letter could not be made.")


async def _send(runtime: Runtime, post: Post, row: asyncpg.Record) -> bool:
    """Send a mail that is still ours; what keeps it from being sent is raised."""
    if post.server is None:
        raise NotTaken("mail_not_set_up", NOT_SET_UP, for_good=True)
    async with _work(runtime, row) as ctx:
        mail = await queue.find_mail(ctx, row["id"], row["attempts"])
        letter = None if mail is None else await post.letters[row["kind"]](ctx, mail)
    if mail is None or letter is None:
        return False
    files = [(each, made) for each in letter.attachments if (made := await _made(each)) is not None]
    whole = written(mail, letter, files, address=post.server.address, name=post.server.name)
    await hand_over(post.server, (mail.recipient, *mail.copies), whole)
    return True


async def _made(attachment: Attachment) -> bytes | None:
    try:
        return await attachment.make()
    except Refused:
        if attachment.optional:
            return None
        raise


def _work(runtime: Runtime, row: asyncpg.Record) -> AbstractAsyncContextManager[Ctx]:
    """A unit of work for a mail, by the system."""
    actor = Actor(f"system:{runtime.name}", SYSTEM.kind)
    return unit_of_work(runtime, row["tenant_id"], actor, request_id=f"mail:{row['id']}", patient=True)
