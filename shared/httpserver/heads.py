"""Heads of messages: reading a request's target, writing an answer's head, and refusals made before any app ran."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import unquote

import httptools

from shared.http import problems

Headers = Iterable[tuple[bytes, bytes]]
PLAIN, LENGTH, CODING, CONNECTION = range(4)
_KINDS = {b"content-length": LENGTH, b"transfer-encoding": CODING, b"connection": CONNECTION}
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")
_CONTROLS = bytes(code for code in (*range(32), 127) if code != 9)


class AnswerInvalid(RuntimeError):  # noqa: N818 - names the state of affairs
    """An app's answer cannot be written as HTTP; the sentence says why. A fault of the app, never of the caller."""


def status_line(status: int) -> bytes:
    """The first line of an answer."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode("ascii")


STATUS_LINES = {status: status_line(status) for status in range(200, 600)}


@lru_cache(maxsize=1024)
def field(name: bytes) -> tuple[bytes, int]:
    """A header's name ready to write, and what the name means for the framing of the message."""
    name = name.lower()
    if not name or not _TOKEN.issuperset(name):
        raise AnswerInvalid(f"{name!r} is not a header's name")
    return name + b": ", _KINDS.get(name, PLAIN)


def checked(head: bytes, lines: int) -> bytes:
    """Refuse control characters: the only line breaks are ours, as many as there are lines."""
    if len(head.translate(None, _CONTROLS)) != len(head) - 2 * lines:
        raise AnswerInvalid("a header's value holds a control character")
    return head


class Defaults:
    """The headers that every answer of this second carries (Date), written out once."""

    __slots__ = ("closes", "count", "lines", "origin")

    def __init__(self, origin: list[tuple[bytes, bytes]]) -> None:
        """Take uvicorn's list, which is replaced, never changed, when a second has passed."""
        self.origin = origin
        self.closes = any(name.lower() == b"connection" and b"close" in value for name, value in origin)
        kept = [(name, value) for name, value in origin if name.lower() != b"connection"]
        self.count = len(kept)
        self.lines = checked(b"".join(b"%b%b\r\n" % (field(n)[0], v) for n, v in kept), len(kept))


def answer_lines(
    status: int, headers: Headers, defaults: Defaults, closes: bool
) -> tuple[list[bytes], bytes | None, bool]:
    """The lines of an answer's head but for its framing; its Content-Length; whether the connection ends with it.

    After the first two parts there are three for each line. What an app says of Transfer-Encoding and Connection
    is not passed on: framing and connection are ours.
    """
    parts = [STATUS_LINES[status], defaults.lines]
    length: bytes | None = None
    for name, value in headers:
        written, kind = field(name)
        if kind == PLAIN:
            parts += (written, value, b"\r\n")
        elif kind == LENGTH:
            if length is not None or not value.isdigit():
                raise AnswerInvalid("Content-Length is not one number")
            length = value
        elif kind == CONNECTION:
            closes = closes or b"close" in value.lower()
    return parts, length, closes


def target(url: bytes) -> tuple[str, bytes, bytes]:
    """Path, raw path and query of a request's target; raises what httptools raises for one that is none."""
    if url[:1] == b"/" and url.find(b"#") < 0:  # `in` tries bytes as a number first, and fails slowly
        raw, _, query = url.partition(b"?")
    else:  # absolute form, asterisk, fragments: rare
        parsed = httptools.parse_url(url)
        raw, query = parsed.path or b"/", parsed.query or b""
    path = raw.decode("ascii")
    return (unquote(path) if "%" in path else path), raw, query


def refusal(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> bytes:
    """An answer given without any app, after which the connection ends."""
    response = problems.problem_response(status, code, detail, "", headers=headers)
    lines = [status_line(status)]
    lines += [b"%b: %b\r\n" % (name, value) for name, value in response.raw_headers]
    return b"".join((*lines, b"connection: close\r\n\r\n", bytes(response.body)))


MALFORMED = refusal(400, "malformed_request", "This is not a request of HTTP/1.1.")
TOO_LARGE = refusal(431, "head_too_large", "The request's head is too large.")
TOO_SLOW = refusal(408, "request_timeout", "The request's head did not come in time.")
BODY_TOO_SLOW = refusal(408, "body_timeout", "The request's body did not come in time, or stopped coming.")
CROWDED = refusal(
    503, "too_many_connections", "There are too many connections; try again shortly.", {"Retry-After": "1"}
)
UNKNOWN_VERSION = refusal(505, "http_version_not_supported", "Speak HTTP/1.1 here.")
NO_UPGRADE = refusal(400, "upgrade_refused", "Requests with a body are taken without an Upgrade header only.")
FAILED = refusal(500, "internal_error", "Something went wrong on our side.")
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
