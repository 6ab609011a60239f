"""A mail server for tests: real sockets, a thread of its own; it takes mails, or answers as a test has told it to."""

import ssl
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.kit.rabbit_local import free_port

HOST = "127.0.0.1"
DROP = "drop"  # as an answer: takes the mail, and breaks the connection off before it says so


@dataclass(frozen=True)
class Taken:
    """A mail as the server took it."""

    sender: str
    recipients: list[str]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        """The mail as a reader's program reads it."""
        return message_from_bytes(self.content, policy=policy.default)


@dataclass
class MailServer:
    """What the server took, and what it is to answer whom, in turn: `("RCPT", address)` or `("DATA", address)`."""

    port: int = field(default_factory=free_port)
    taken: list[Taken] = field(default_factory=list)
    answers: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The server as a setting names it, without any security."""
        return f"smtp://{HOST}:{self.port}?starttls=off"

    def to(self, address: str) -> list[Taken]:
        """The mails that somebody got, in their order."""
        return [mail for mail in self.taken if address in mail.recipients]

    def _answer(self, stage: str, address: str) -> str | None:
        self.asked.append((stage, address))
        waiting = self.answers[stage, address]
        return waiting.pop(0) if waiting else None

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name for it
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        """Whether somebody gets mail."""
        if (answer := self._answer("RCPT", address)) is not None:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Take a mail."""
        answer = next(filter(None, [self._answer("DATA", address) for address in envelope.rcpt_tos]), None)
        if answer in (None, DROP):
            self.taken.append(Taken(envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        if answer == DROP:
            server.transport.abort()
        return "250 Taken" if answer in (None, DROP) else answer


@contextmanager
def serving(server: MailServer | None = None, **options: Any) -> Iterator[MailServer]:
    """The server at work; `options` are those of aiosmtpd's SMTP (`tls_context`, `require_starttls`)."""
    server = server or MailServer()
    controller = Controller(server, hostname=HOST, port=server.port, **options)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


def own_authority(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for this machine and the file by which it is believed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail of a test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    ca, private = folder / "ca.pem", folder / "key.pem"
    ca.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(ca, private)
    return ca, context
