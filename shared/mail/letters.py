"""Letters: what a mail says, and the bytes it goes out as.

Source: RFC 5322 (form), RFC 2045 to 2047 (parts, letters beyond ASCII), RFC 3834 (mail sent by programs).
"""

import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from shared.values.faults import Invalid
from shared.values.text_fields import EmailText

MOST_BYTES: Final = 20 * 1024 * 1024  # of a whole mail; many servers take 25 MiB
WORD_BYTES: Final = 36  # with its frame and the header's name a line of less than 76 (RFC 2047)
_POLICY: Final = compat32.clone(linesep="\r\n")
_ADDRESS: Final = TypeAdapter[str](EmailText)
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class BadHeader(Invalid):
    """A text would be more than one line of the mail's head, or is no address."""

    code = "mail_header_invalid"


class MailTooLarge(Invalid):
    """The mail with its files is larger than servers take."""

    code = "mail_too_large"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail whose letter is to be written: about which document, to whom, with which words of the sender."""

    id: UUID
    created_at: datetime
    aggregate_id: UUID
    number: str | None
    recipient: str = field(repr=False)
    copies: Sequence[str] = field(repr=False)
    message: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a letter: its name (plain ASCII, made by us), its type (`application/…`), and what has it made.

    `make` is called after the transaction in which the letter was written; what it raises is a fault. Without an
    `optional` file that is refused the letter goes all the same.
    """

    name: str
    media_type: str
    make: Callable[[], Awaitable[bytes]]
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says. `sender` is the tenant's trading name, `reply_to` where answers go."""

    subject: str = field(repr=False)
    text: str = field(repr=False)
    sender: str
    language: str
    reply_to: str | None = field(default=None, repr=False)
    attachments: Sequence[Attachment] = ()


def written(
    mail: Mail, letter: Letter, files: Sequence[tuple[Attachment, bytes]], *, address: str, name: str = ""
) -> bytes:
    """A mail as it goes out, from our address: text and files.

    Refuses what could add a line to its head, and what is too large. Its Message-ID and date are the same however often
    it is sent, so that a reader's program shows it once.
    """
    whole = MIMEMultipart("mixed", policy=_POLICY)
    whole["From"] = _mailbox(f"{letter.sender} via {name}" if name else letter.sender, address)
    whole["To"] = _address(mail.recipient)
    if mail.copies:
        whole["Cc"] = ", ".join(map(_address, mail.copies))
    if letter.reply_to:
        whole["Reply-To"] = _mailbox(letter.sender, letter.reply_to)
    whole["Subject"] = _encoded(letter.subject)
    whole["Date"] = format_datetime(mail.created_at)
    whole["Message-ID"] = f"<{mail.id}@{address.rpartition('@')[2]}>"
    whole["Auto-Submitted"] = "auto-generated"
    whole["Content-Language"] = _one_line(letter.language)
    whole.attach(MIMEText(letter.text, "plain", "utf-8", policy=_POLICY))
    for attachment, content in files:
        part = MIMEApplication(content, attachment.media_type.partition("/")[2], policy=_POLICY)
        part.add_header("Content-Disposition", "attachment", filename=_one_line(attachment.name))
        whole.attach(part)
    content = whole.as_bytes()
    if len(content) > MOST_BYTES:
        raise MailTooLarge(f"The mail has {len(content)} bytes; one may have {MOST_BYTES}.")
    return content


def _mailbox(name: str, address: str) -> str:
    """A name and its address; a name that needs them in encoded words (RFC 2047)."""
    if _is_plain(name):
        return formataddr((_one_line(name), _address(address)))
    return f"{_encoded(name)}\r\n <{_address(address)}>"


def _encoded(text: str) -> str:
    if _is_plain(_one_line(text)):
        return text
    return "\r\n ".join(f"=?utf-8?b?{b64encode(word).decode()}?=" for word in _words(text))


def _is_plain(text: str) -> bool:
    """Whether a text is read as it stands; what looks like an encoded word is not."""
    return text.isascii() and "=?" not in text


def _words(text: str) -> Iterator[bytes]:
    """A text in UTF-8, in pieces of whole letters that fit a line as encoded words."""
    piece = b""
    for letter in text:
        if len(piece) + len(letter.encode()) > WORD_BYTES:
            yield piece
            piece = b""
        piece += letter.encode()
    yield piece


def _address(text: str) -> str:
    try:
        return _ADDRESS.validate_python(text)
    except ValidationError:
        raise BadHeader("A recipient of the mail is no e-mail address.") from None


def _one_line(text: str) -> str:
    if _CONTROLS.search(text):
        raise BadHeader("A text of the mail's head has control characters or line ends.")
    return text
