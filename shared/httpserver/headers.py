"""Raw header lists at the edge: what a client may not say, what an upstream may not tell, and framing.

Names are ASGI names (lower case). Servers of the CGI family fold `_` into `-`, so an underscore name is
judged by what it would become there, and dropped when that would be a name of ours or one that frames the
message.
"""

from collections.abc import Iterable
from functools import lru_cache

from shared.httpserver.asgi import Headers

HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-authentication-info",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"trailers",
        b"transfer-encoding",
        b"upgrade",
        b"http2-settings",
    )
)
TRACE = frozenset((b"traceparent", b"tracestate"))
# `proxy` would become HTTP_PROXY under CGI; cookies are for the gateway, no service reads any; the rest assert an
# address, an identity or another target.
_INBOUND_NAMES = frozenset(
    (
        b"forwarded",
        b"x-real-ip",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"true-client-ip",
        b"backoffice-tenant",
        b"authorization",
        b"x-request-id",
        b"x-original-url",
        b"x-rewrite-url",
        b"proxy",
        b"cookie",
    )
)
_INBOUND_PREFIXES = (b"x-tenant-", b"x-internal-", b"x-actor-", b"x-forwarded-")
# Folded by a careless server these would change where a message ends, goes or belongs.
_NEVER_FOLDED = HOP_BY_HOP | TRACE | {b"content-length", b"content-type", b"idempotency-key"}
# Connection may not name these away: without them the message itself would change.
_NOT_NOMINABLE = frozenset((b"content-length", b"host"))
_NOMINATE_NOTHING = frozenset((b"keep-alive", b"close", b"Keep-Alive", b"Close"))
_NOTHING: frozenset[bytes] = frozenset()


@lru_cache(maxsize=2048)
def inbound_dropped(name: bytes) -> bool:
    """Judge one request header name; cached, as the same thirty names come again and again."""
    folded = name.lower().replace(b"_", b"-")
    if folded in HOP_BY_HOP or folded in _INBOUND_NAMES or folded.startswith(_INBOUND_PREFIXES):
        return True
    return b"_" in name and folded in _NEVER_FOLDED


@lru_cache(maxsize=2048)
def outbound_dropped(name: bytes) -> bool:
    """Judge one response header name."""
    folded = name.lower().replace(b"_", b"-")
    return folded in HOP_BY_HOP or folded.startswith(b"x-internal-")


def nominated(headers: Headers) -> frozenset[bytes]:
    """Return the names that `Connection` declares to be for this hop only."""
    tokens: set[bytes] = set()
    for name, value in headers:
        if name == b"connection" and value not in _NOMINATE_NOTHING:
            tokens.update(token.strip().lower() for token in value.split(b","))
    return frozenset(tokens - _NOT_NOMINABLE) if tokens else _NOTHING


def strip_inbound(headers: Headers, *, keep_trace: bool = False) -> Headers:
    """Return the request headers without anything a client has no right to assert to a service.

    `keep_trace` keeps the W3C trace context, for callers whose trace the gateway continues.
    """
    kept = [pair for pair in headers if not inbound_dropped(pair[0])]
    if not keep_trace:
        kept = [pair for pair in kept if pair[0] not in TRACE]
    return _without_nominated(headers, kept)


def strip_outbound(headers: Headers) -> Headers:
    """Return the response headers without hop-by-hop fields and what services tell only the gateway."""
    kept = [pair for pair in headers if not outbound_dropped(pair[0])]
    return _without_nominated(headers, kept)


def _without_nominated(headers: Headers, kept: Headers) -> Headers:
    """Drop what Connection names; free when, as nearly always, nothing hop-by-hop was there at all."""
    if len(kept) == len(headers):
        return kept
    named = nominated(headers)
    return [pair for pair in kept if pair[0] not in named] if named else kept


def find(headers: Headers, name: bytes) -> bytes | None:
    """Return the first value of a header, or None."""
    for key, value in headers:
        if key == name:
            return value
    return None


def framing_error(headers: Headers) -> str | None:
    """Return why the message's end is ambiguous, or None; stops request smuggling (ASVS 4.2.1)."""
    lengths = [value for name, value in headers if name == b"content-length"]
    codings = [value for name, value in headers if name == b"transfer-encoding"]
    return _coding_error(codings, bool(lengths)) if codings else _length_error(lengths)


def _coding_error(codings: list[bytes], has_length: bool) -> str | None:
    """Accept exactly one `chunked`: every other coding is one that two parsers may read differently."""
    if has_length:
        return "both Content-Length and Transfer-Encoding"
    if len(codings) != 1 or codings[0].strip(b" \t").lower() != b"chunked":
        return "unknown Transfer-Encoding"
    return None


def _length_error(lengths: Iterable[bytes]) -> str | None:
    """Accept one length of plain digits; a value that lists several is refused even if they are equal."""
    distinct = set(lengths)
    if len(distinct) > 1:
        return "several different Content-Length values"
    for value in distinct:
        # isdigit() on bytes is ASCII only; 18 digits stay within a signed 64-bit counter
        if not value.isdigit() or len(value) > 18:
            return "Content-Length is not a number"
    return None
