"""Networks as settings name them, and whether an address lies in one."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

LONGEST_ADDRESS = 64  # keys are remembered; what is longer is no address


class Networks:
    """Some networks; an IPv4 address that came in over an IPv6 socket (`::ffff:10.0.0.1`) is the IPv4 one."""

    def __init__(self, named: str) -> None:
        """`named`: CIDR, separated by commas; raises ValueError for anything else."""
        parts = (part.strip() for part in named.split(","))
        self._networks = tuple(ip_network(part, strict=False) for part in parts if part)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._networks)

    def __contains__(self, address: str) -> bool:
        """Whether the address lies in one of them; what is no address lies nowhere."""
        found = parsed_address(address)
        return found is not None and any(found in network for network in self._networks)


def parsed_address(text: str) -> IPv4Address | IPv6Address | None:
    """An address from its text; None for what is no address."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def require_networks(named: str) -> str:
    """For settings: the text as it is, if it names networks."""
    Networks(named)
    return named


@lru_cache(maxsize=4096)
def counted_as(address: str) -> str:
    """The name under which a caller is counted; an IPv6 caller is its /64, since it may take any address of it."""
    found = parsed_address(address[:LONGEST_ADDRESS])
    if found is None:
        return address[:LONGEST_ADDRESS]
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else str(found)
