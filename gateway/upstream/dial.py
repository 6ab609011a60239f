"""Connecting to a name: resolved anew each time, and every address it has is tried in turn.

Replicas behind one name come and go with their addresses. Whoever remembered one would go on calling a container
that is gone; whoever tried only the first would be as good as that one. The turn starts at another address each
time, so that connections spread over the replicas.
"""

import asyncio
import itertools
import socket
from collections.abc import Callable
from typing import TypeVar

P = TypeVar("P", bound=asyncio.Protocol)
_turn = itertools.count()


async def connect(
    loop: asyncio.AbstractEventLoop, protocol: Callable[[], P], host: str, port: int, *, within: float
) -> P:
    """A connection to one of the name's addresses; raises the last one's OSError, or TimeoutError when time is up.

    An address that does not answer at all gets only its share of the time.
    """
    deadline = loop.time() + within
    async with asyncio.timeout_at(deadline):
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    start = next(_turn) % len(addresses)
    failure: OSError = ConnectionError(f"{host} has no address")
    for tried, address in enumerate((*addresses[start:], *addresses[:start])):
        now = loop.time()
        try:
            async with asyncio.timeout_at(now + (deadline - now) / (len(addresses) - tried)):
                _, connection = await loop.create_connection(protocol, address, port)
                return connection
        except OSError as error:  # TimeoutError is one
            failure = error
    raise failure
