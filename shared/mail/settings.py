"""From settings to an SMTP server: where it is, how the way to it is secured, whom our mails are from."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from shared.base.settings import KernelSettings

EXAMPLES: Final = "smtps://user:password@smtp.example.com, or smtp://smtp.example.com:587"
PORTS: Final = {"smtps": 465, "smtp": 587}


class MailUnusable(RuntimeError):  # noqa: N818 - named for what it is
    """Mail cannot be sent as it is configured; the process must not start."""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """The server that takes our mails, and the address they are from.

    `tls` from the first byte (smtps), else `start_tls` or none; certificates are verified by `trust` in both. `name`
    stands behind the tenant's own in the From.
    """

    host: str
    port: int
    tls: bool
    start_tls: bool
    trust: ssl.SSLContext | None
    address: str
    name: str
    seconds: float
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def domain(self) -> str:
        """Where our Message-IDs are from."""
        return self.address.rpartition("@")[2]


def server_of(settings: KernelSettings) -> SmtpServer | None:
    """The server that `smtp_url` names; None where there is none. Raises `MailUnusable` with the remedy.

    STARTTLS is required unless `?starttls=off` is said, which a name and password do not go with.
    """
    url = settings.smtp_url.get_secret_value()
    if not url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except (ValueError, KeyError) as error:
        raise _unusable(f"is no address like {EXAMPLES}") from error
    start_tls = options.pop("starttls", "required")
    if options or start_tls not in ("required", "off") or parts.fragment or parts.path not in ("", "/"):
        raise _unusable("has more than an address and ?starttls=required or ?starttls=off")
    if not parts.hostname:
        raise _unusable(f"names no host; one is like {EXAMPLES}")
    tls = parts.scheme == "smtps"
    secured = tls or start_tls == "required"
    if parts.password and not secured:
        raise _unusable("would send its password in clear; leave ?starttls=off out, or the password")
    if not settings.mail_from:
        raise MailUnusable(
            "BACKOFFICE_SMTP_URL is set, BACKOFFICE_MAIL_FROM is not: the address mails are from."
        )
    return SmtpServer(
        host=parts.hostname,
        port=port,
        tls=tls,
        start_tls=secured and not tls,
        trust=_trust(settings.smtp_ca_file) if secured else None,
        address=settings.mail_from,
        name=settings.mail_from_name,
        seconds=settings.smtp_seconds,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


def _trust(ca_file: str) -> ssl.SSLContext:
    """Whose certificates are believed: the machine's authorities, or those of a file alone."""
    if ca_file and not Path(ca_file).is_file():
        raise MailUnusable(f"BACKOFFICE_SMTP_CA_FILE names {ca_file}, which is no file.")
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except ssl.SSLError as error:
        raise MailUnusable(f"BACKOFFICE_SMTP_CA_FILE={ca_file} holds no certificates.") from error


def _unusable(what: str) -> MailUnusable:
    """The address is not repeated: it may hold a password."""
    return MailUnusable(f"BACKOFFICE_SMTP_URL {what}.")
