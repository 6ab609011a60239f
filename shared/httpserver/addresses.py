"""What the limits of one caller are counted under."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_network

from shared.values.networks import parsed_address


@lru_cache(maxsize=4096)
def counted_as(address: str) -> str:
    """The name of a caller's address; an IPv6 caller is its /64, since it may call from any address of it."""
    found = parsed_address(address)
    if found is None:
        return address[:64]
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else str(found)
