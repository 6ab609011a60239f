"""The caller's address: the peer's, unless the peer is a proxy we trust to tell another."""

from shared.httpserver.addresses import counted_as, networks, within
from shared.httpserver.asgi import Scope


class Addresses:
    """Finds the address that limits are counted for; an IPv6 caller is its /64."""

    def __init__(self, trusted: str) -> None:
        """`trusted`: networks, separated by commas."""
        self._trusted = networks(trusted)

    def of(self, scope: Scope) -> str:
        """The key of a request's caller."""
        peer = scope.get("client")
        address = peer[0] if peer else "unknown"
        return counted_as(self._told(scope, address) if self._trusted else address)

    def _told(self, scope: Scope, peer: str) -> str:
        """Walk X-Forwarded-For from its end for as long as a trusted proxy has written it."""
        listed = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        hops = [hop.strip() for hop in listed.decode("latin-1").split(",") if hop.strip()]
        address = peer
        while hops and within(address, self._trusted):
            address = hops.pop()
        return address
