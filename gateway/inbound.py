"""A request's headers as they came, read once: what services may see, and what is for us alone."""

from gateway.proxy.asgi import Headers
from gateway.proxy.headers import TRACE, framing_error, inbound_dropped, nominated

_FRAMING = frozenset((b"content-length", b"transfer-encoding"))


class Inbound:
    """The headers of one request, sorted."""

    __slots__ = ("framed", "framing", "kept", "told")

    def __init__(self, headers: Headers) -> None:
        """`kept` may be passed on; `told` has the first value of each of the others, by name."""
        self.kept: Headers = []
        self.told: dict[bytes, bytes] = {}
        self.framing: str | None = None
        kept, told = self.kept, self.told
        self.framed = False
        for pair in headers:
            name = pair[0]
            if name in _FRAMING:
                self.framed = True
                if name == b"content-length":
                    kept.append(pair)
            elif inbound_dropped(name) or name in TRACE:
                told.setdefault(name, pair[1])
            else:
                kept.append(pair)
        if self.framed:
            self.framing = framing_error(headers)
        if b"connection" in told and (named := nominated(headers)):
            self.kept = [pair for pair in kept if pair[0] not in named]
