"""A request's headers, read once: what services may see, and what is for the gateway alone."""

from collections.abc import Hashable

from gateway.identity.signing import fingerprint
from gateway.upstream.http import HttpUpstream
from shared.http.paths import require_plain
from shared.http.waiting import MOST_SECONDS
from shared.httpserver.asgi import AsgiApp, Headers, Scope
from shared.httpserver.headers import TRACE, framing_error, inbound_dropped, nominated
from shared.values.faults import Malformed

WAIT_SECONDS = MOST_SECONDS + 2  # and time for a last look
_FRAMING = frozenset((b"content-length", b"transfer-encoding"))
# Given twice, each would be read as one value here and as another one there.
_ONCE = frozenset((b"authorization", b"backoffice-tenant", b"content-type", b"idempotency-key", b"if-match"))


class Inbound:
    """The headers of one request, sorted."""

    __slots__ = ("caller", "framed", "framing", "kept", "repeated", "reserved", "waits")

    def __init__(self, headers: Headers) -> None:
        """`kept` may be passed on; `reserved` has the first value of each of the others, by name.

        `caller` is what the credentials are remembered under.
        """
        self.kept: Headers = []
        self.reserved: dict[bytes, bytes] = {}
        self.framing: str | None = None
        kept, reserved = self.kept, self.reserved
        self.framed = False
        self.waits = False
        self.repeated: bytes | None = None
        once: set[bytes] = set()
        for pair in headers:
            name = pair[0]
            if name in _ONCE:
                if name in once:
                    self.repeated = name
                once.add(name)
            if name in _FRAMING:
                self.framed = True
                if name == b"content-length":
                    kept.append(pair)
            elif inbound_dropped(name) or name in TRACE:
                reserved.setdefault(name, pair[1])
            else:
                self.waits = self.waits or _waits(pair)
                kept.append(pair)
        if self.framed:
            self.framing = framing_error(headers)
        if b"connection" in reserved and (named := nominated(headers)):
            self.kept = [pair for pair in kept if pair[0] not in named]
        self.caller = fingerprint(reserved.get(b"authorization"), reserved.get(b"backoffice-tenant"))

    def require_unambiguous(self, scope: Scope) -> None:
        """Refuse what could be read in two ways: where the body ends, who calls for whom, what is asked for (400)."""
        if self.framing is not None:
            raise Malformed(f"The request cannot be framed: {self.framing}.")
        if self.repeated is not None:
            name = self.repeated.decode("latin-1").title()
            raise Malformed(f"The header {name} is given more than once.", header=name)
        require_plain(scope)

    def for_upstream(self, upstream: AsgiApp, owner: Hashable) -> "Inbound":
        """What this service is told: nothing of a wish to wait where waiting would be in vain or at others' cost."""
        if (
            not self.waits
            or not isinstance(upstream, HttpUpstream)
            or upstream.lets_wait(WAIT_SECONDS, owner)
        ):
            return self
        return Inbound([pair for pair in self.kept if not _waits(pair)])


def _waits(pair: tuple[bytes, bytes]) -> bool:
    """Whether a header asks a service to hold its answer back (RFC 7240)."""
    return pair[0] == b"prefer" and b"wait" in pair[1].lower()
