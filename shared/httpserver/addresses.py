"""Addresses of callers: what the limits of one caller are counted under, and whose word is taken for another's."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Networks = tuple[IPv4Network | IPv6Network, ...]


def networks(listed: str) -> Networks:
    """Networks written as CIDR with commas between them; raises ValueError for what is none."""
    return tuple(ip_network(part.strip(), strict=False) for part in listed.split(",") if part.strip())


def within(address: str, among: Networks) -> bool:
    """Whether an address lies in one of the networks; what is no address lies in none."""
    found = _read(address) if among else None
    return found is not None and any(found in network for network in among)


@lru_cache(maxsize=4096)
def counted_as(address: str) -> str:
    """The name under which a caller is counted; an IPv6 caller is its /64, since it may take any address of it."""
    found = _read(address)
    if found is None:
        return address[:64]
    if isinstance(found, IPv6Address):
        return str(ip_network((found, 64), strict=False))
    return str(found)


def _read(address: str) -> IPv4Address | IPv6Address | None:
    """The address; an IPv4 one that a socket for both tells as IPv6 is what it is."""
    try:
        found = ip_address(address)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
