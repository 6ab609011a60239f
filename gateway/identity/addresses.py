"""The caller's address: the peer's, unless the peer is a proxy we trust to tell another."""

import structlog

from shared.httpserver.asgi import Scope
from shared.values.networks import Networks, counted_as

log = structlog.get_logger()
_TOLD_BY_PROXIES = frozenset((b"x-forwarded-for", b"forwarded"))


class Addresses:
    """Finds the address that limits are counted for; an IPv6 caller is its /64."""

    def __init__(self, trusted: str) -> None:
        """`trusted`: networks, separated by commas."""
        self._trusted = Networks(trusted)
        self._warned = False

    def of(self, scope: Scope) -> str:
        """The key of a request's caller."""
        peer = scope.get("client")
        address = peer[0] if peer else "unknown"
        if address in self._trusted:
            return counted_as(self._told(scope, address))
        if not self._warned and any(name in _TOLD_BY_PROXIES for name, _ in scope["headers"]):
            self._warned = True
            log.warning(
                "a peer that is no trusted proxy tells another's address, which is not believed: if it is your proxy, "
                "all its callers share one address's limits until its network is in BACKOFFICE_TRUSTED_PROXIES",
                peer=address,
            )
        return counted_as(address)

    def _told(self, scope: Scope, peer: str) -> str:
        """Walk X-Forwarded-For from its end for as long as a trusted proxy has written it."""
        listed = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        hops = [hop.strip() for hop in listed.decode("latin-1").split(",") if hop.strip()]
        address = peer
        while hops and address in self._trusted:
            address = hops.pop()
        return address
