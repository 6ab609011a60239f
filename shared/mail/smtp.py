"""Handing a mail to the server, over aiosmtplib: to all its recipients or to none. It knows nothing of rows."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPStatus,
)

from shared.mail.settings import SmtpServer

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
LONGEST: Final = 300
PERMANENT: Final = 500
NEEDS_SIGN_IN: Final = 530
WHOLE: Final = 3  # a mail has so many times the seconds that a single answer may take
GOODBYE_SECONDS: Final = 1.0


class NotTaken(Exception):  # noqa: N818 - named for what happened
    """The server did not take a mail. `for_good` where trying again does not help: it said so (5xx) of this mail.

    What it says of us (our name and password, our address, our way to it) is not for good: the provider can mend that.
    """

    def __init__(self, code: str, said: str, *, for_good: bool) -> None:
        """`said` is the server's own sentence; it may name the recipient."""
        super().__init__(code)
        self.code = code
        self.said = _CONTROLS.sub(" ", said).strip()[:LONGEST]
        self.for_good = for_good


async def hand_over(server: SmtpServer, recipients: Sequence[str], mail: bytes) -> None:
    """Have the server take a mail for all its recipients; raises `NotTaken`, and then nobody gets it.

    When the connection breaks after the server has taken it and before it said so, that is not known here.
    """
    client = SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.tls,
        start_tls=server.start_tls,
        tls_context=server.trust,
        timeout=server.seconds,
        username=server.user,
        password=server.password,
        local_hostname=server.domain,
    )
    try:
        async with asyncio.timeout(WHOLE * server.seconds):
            await client.connect()
            await client.mail(server.address)
            for recipient in recipients:
                await client.rcpt(recipient)
            await client.data(mail)
        await _leave(client)
    except SMTPResponseException as error:
        await _leave(client)
        raise NotTaken(f"smtp_{error.code}", error.message, for_good=_for_good(error)) from None
    except (SMTPException, OSError, TimeoutError) as error:
        sentence = f"The mail server cannot be used: {type(error).__name__}."
        raise NotTaken("smtp_away", sentence, for_good=False) from None
    finally:
        client.close()


def _for_good(error: SMTPResponseException) -> bool:
    if isinstance(error, SMTPSenderRefused):
        return error.code == SMTPStatus.storage_exceeded  # the mail is too large; all else is about us
    of_the_mail = isinstance(error, SMTPRecipientRefused | SMTPDataError)
    return of_the_mail and error.code >= PERMANENT and error.code != NEEDS_SIGN_IN


async def _leave(client: SMTP) -> None:
    """Say goodbye; what was taken stays taken."""
    with suppress(SMTPException, OSError, TimeoutError):
        async with asyncio.timeout(GOODBYE_SECONDS):
            await client.quit()
