"""A request's headers as they came, read once: what services may see, and what is for us alone."""

from gateway.identity.signing import fingerprint
from gateway.upstream.http import HttpUpstream
from gateway.upstream.request_head import written_out
from shared.http.waiting import MOST_SECONDS
from shared.httpserver.asgi import AsgiApp, HeaderBlock, Headers
from shared.httpserver.headers import TRACE, framing_error, inbound_dropped, nominated

WAIT_SECONDS = MOST_SECONDS + 2  # and time for a last look
_FRAMING = frozenset((b"content-length", b"transfer-encoding"))


class Inbound:
    """The headers of one request, sorted."""

    __slots__ = ("_written", "caller", "framed", "framing", "kept", "told", "waits")

    def __init__(self, headers: Headers) -> None:
        """`kept` may be passed on; `told` has the first value of each of the others, by name.

        `caller` is what the credentials are remembered under. Nobody may change any of it: requests share it.
        """
        self.kept: Headers = []
        self.told: dict[bytes, bytes] = {}
        self.framing: str | None = None
        kept, told = self.kept, self.told
        self.framed = False
        self.waits = False
        for pair in headers:
            name = pair[0]
            if name in _FRAMING:
                self.framed = True
                if name == b"content-length":
                    kept.append(pair)
            elif inbound_dropped(name) or name in TRACE:
                told.setdefault(name, pair[1])
            else:
                self.waits = self.waits or _waits(pair)
                kept.append(pair)
        if self.framed:
            self.framing = framing_error(headers)
        if b"connection" in told and (named := nominated(headers)):
            self.kept = [pair for pair in kept if pair[0] not in named]
        self.caller = fingerprint(told.get(b"authorization"), told.get(b"backoffice-tenant"))
        self._written: tuple[int, bytes] | None = None

    @property
    def written(self) -> tuple[int, bytes]:
        """What may be passed on, as it goes over the wire."""
        if self._written is None:
            self._written = written_out(self.kept)
        return self._written

    def as_told_to(self, upstream: AsgiApp) -> "Inbound":
        """What this service is told: nothing of a wish to wait where waiting would be in vain or at others' cost."""
        if not self.waits or not isinstance(upstream, HttpUpstream) or upstream.lets_wait(WAIT_SECONDS):
            return self
        return Inbound([pair for pair in self.kept if not _waits(pair)])


def _waits(pair: tuple[bytes, bytes]) -> bool:
    """Whether a header asks a service to hold its answer back (RFC 7240)."""
    return pair[0] == b"prefer" and b"wait" in pair[1].lower()


def inbound(headers: Headers) -> Inbound:
    """The sorted headers; at once when the same caller has just sent the same ones."""
    if not isinstance(headers, HeaderBlock):
        return Inbound(headers)
    facts = getattr(headers, "facts", None)
    if isinstance(facts, Inbound):
        return facts
    headers.facts = made = Inbound(headers)
    return made
