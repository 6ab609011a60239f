"""Writing the head of a request so that no byte a client chose can end a line, a header or the message."""

import re
from functools import lru_cache
from urllib.parse import quote

from gateway.upstream.errors import RequestInvalid
from shared.httpserver.asgi import Headers, Scope
from shared.httpserver.headers import HOP_BY_HOP, framing_error, nominated

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TARGET = re.compile(rb"/[!\"$-~]*|\*")  # visible ASCII without '#': a fragment never travels
_CONTROLS = bytes(code for code in (*range(32), 127) if code != 9)
# ours to write, or (expect) answered already by the server in front of us
_REWRITTEN = HOP_BY_HOP | {b"host", b"content-length", b"expect"}
_WANTS_LENGTH = frozenset(("POST", "PUT", "PATCH"))
_UNSUPPORTED = frozenset(("CONNECT", "TRACE"))


@lru_cache(maxsize=2048)
def _prefix(name: bytes) -> bytes | None:
    """Return `name: ` ready to write, or None for a name this module writes itself or must not forward."""
    if not _TOKEN.fullmatch(name):
        raise RequestInvalid("a header name holds forbidden bytes")
    name = name.lower()
    return None if name in _REWRITTEN else name + b": "


@lru_cache(maxsize=64)
def _method(method: str) -> bytes:
    """Return the method as bytes; tunnels and echoes have no place behind a gateway."""
    raw = method.encode("latin-1", "replace")
    if method in _UNSUPPORTED or not _TOKEN.fullmatch(raw):
        raise RequestInvalid("this method is not forwarded")
    return raw + b" "


def _target(scope: Scope) -> bytes:
    """Return path and query as the client spelled them, since that is what was signed or cached."""
    path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    query: bytes = scope.get("query_string", b"")
    target = path + b"?" + query if query else path
    if not _TARGET.fullmatch(target):
        raise RequestInvalid("the request target holds forbidden bytes")
    return target


def announced_length(headers: Headers) -> int | None:
    """Return the one Content-Length, None when there is none; contradictions are refused, never resolved."""
    value: bytes | None = None
    doubtful = False
    for name, content in headers:
        if name == b"content-length":
            doubtful = doubtful or value is not None
            value = content
        elif name == b"transfer-encoding":
            doubtful = True
    if value is None and not doubtful:
        return None
    problem = framing_error(headers)
    if problem is not None:
        raise RequestInvalid(problem)
    return None if value is None else int(value)


def request_head(scope: Scope, host_line: bytes, length: int | None, chunked: bool) -> bytes:
    """Render request line and headers; declares a length, or chunked coding, or no body at all."""
    headers: Headers = scope["headers"]
    parts = [_method(scope["method"]), _target(scope), host_line]
    nominating = False
    for name, value in headers:
        prefix = _prefix(name)
        if prefix is not None:
            parts += (prefix, value, b"\r\n")
        elif name == b"connection":
            nominating = True
    if nominating and (named := nominated(headers)):
        left = [pair for pair in headers if pair[0] not in named and pair[0] != b"connection"]
        return request_head({**scope, "headers": left}, host_line, length, chunked)
    lines = 2 + (len(parts) - 3) // 3  # the host line is two
    if chunked:
        parts.append(b"transfer-encoding: chunked\r\n")
        lines += 1
    elif length is not None:
        parts.append(b"content-length: %d\r\n" % length)
        lines += 1
    return _checked(b"".join(parts), lines) + b"\r\n"


def _checked(head: bytes, lines: int) -> bytes:
    """Refuse control bytes: there are just the CR and LF of each line written, none within a value."""
    if len(head.translate(None, _CONTROLS)) != len(head) - 2 * lines:
        raise RequestInvalid("a header value holds forbidden bytes")
    return head


def wants_length(method: str) -> bool:
    """Say whether an absent body is announced as length 0, as RFC 9110 (8.6) asks of these methods."""
    return method in _WANTS_LENGTH
