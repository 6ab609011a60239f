"""The caller's address: the peer's, unless the peer is a proxy we trust to tell another."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from shared.httpserver.asgi import Scope

Network = IPv4Network | IPv6Network


class Addresses:
    """Finds the address that limits are counted for; an IPv6 caller is its /64."""

    def __init__(self, trusted: str) -> None:
        """`trusted`: networks, separated by commas."""
        self._trusted: tuple[Network, ...] = tuple(
            ip_network(part.strip(), strict=False) for part in trusted.split(",") if part.strip()
        )
        self._key = lru_cache(maxsize=4096)(_limit_key)

    def of(self, scope: Scope) -> str:
        """The key of a request's caller."""
        peer = scope.get("client")
        address = peer[0] if peer else "unknown"
        return self._key(self._told(scope, address) if self._trusted else address)

    def _told(self, scope: Scope, peer: str) -> str:
        """Walk X-Forwarded-For from its end for as long as a trusted proxy has written it."""
        listed = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        hops = [hop.strip() for hop in listed.decode("latin-1").split(",") if hop.strip()]
        address = peer
        while hops and self._is_trusted(address):
            address = hops.pop()
        return address

    def _is_trusted(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._trusted)


def _limit_key(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(ip_network((found, 64), strict=False))
    return str(found)
