"""The port: whether mail can be sent, and what has the mails of a running service sent.

ports={Post: post_office({"invoice": letters.of_invoice})}, loops=(Loop("mails", deliver_mails, EVERY_SECONDS),)
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final
from uuid import UUID

import structlog

from shared.base.fair_share import FairShare
from shared.base.loops import REPORT_SECONDS, Seldom
from shared.base.settings import KernelSettings
from shared.context.ctx import Ctx
from shared.mail.letters import Letter, Mail
from shared.mail.settings import SmtpServer, server_of
from shared.values.faults import Refused

log = structlog.get_logger()
PLACES: Final = 6  # mails at the same time in a process; one tenant's at most half of them
OF_ONE: Final = PLACES // 2
NOT_SET_UP: Final = "Mail is not set up: the provider has to name a server (BACKOFFICE_SMTP_URL)."
WriteLetter = Callable[[Ctx, Mail], Awaitable[Letter]]


class MailNotSetUp(Refused):
    """There is no server that takes mails."""

    code = "mail_not_set_up"


class Post:
    """What a service's mails go out by: the server, who writes which letter, and what is under way."""

    def __init__(self, server: SmtpServer | None, letters: Mapping[str, WriteLetter]) -> None:
        """`letters` has for each kind of mail the function that writes its letter, in a transaction."""
        self.server = server
        self.letters = letters
        self.share = FairShare(PLACES, of_one=OF_ONE)
        self.at_work: dict[asyncio.Task[None], UUID] = {}
        self.reporting = Seldom(REPORT_SECONDS)

    @property
    def set_up(self) -> bool:
        """Whether there is a server that takes mails."""
        return self.server is not None

    def require_set_up(self) -> None:
        """Refuse what would never be sent."""
        if self.server is None:
            raise MailNotSetUp(NOT_SET_UP)

    def begin(self, tenant_id: UUID, work: Coroutine[None, None, None]) -> None:
        """Have a mail of a tenant sent beside others."""
        task = asyncio.create_task(work)
        self.at_work[task] = tenant_id
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.share.give_back(self.at_work.pop(task))
        if not task.cancelled() and (error := task.exception()) is not None:
            # Mostly the database: the lease runs out, and the mail is taken up again.
            log.warning("what became of a mail was not stored", error=type(error).__name__)

    async def close(self, seconds: float) -> None:
        """Let what is under way end, for so long: a mail that is broken off may have been taken already."""
        if self.at_work:
            await asyncio.wait(self.at_work, timeout=seconds)
        for task in list(self.at_work):
            task.cancel()
        await asyncio.gather(*self.at_work, return_exceptions=True)


def post_office(
    letters: Mapping[str, WriteLetter],
) -> Callable[[KernelSettings], AbstractAsyncContextManager[Post]]:
    """What makes the port from the settings; raises `MailUnusable` with the remedy."""

    @asynccontextmanager
    async def opened(settings: KernelSettings) -> AsyncIterator[Post]:
        post = Post(server_of(settings), letters)
        try:
            yield post
        finally:
            await post.close(settings.shutdown_seconds)

    return opened
