"""What one server process grants its callers: how many connections, and how long it waits for bytes."""

from dataclasses import dataclass

from shared.values.networks import Networks

HEAD_SECONDS = 15.0  # from a head's first byte to its last
LINGER_SECONDS = 15.0  # how long a caller may still send, or has yet to take, when all has been said
MAX_LINE = 64  # requests that came before their turn on one connection
MAX_LINE_BYTES = 128 * 1024  # and what they may come to
TURNED_AWAY_AT_ONCE = 100  # callers told that there are too many; those beyond are cut off without a word

NOBODY = Networks("")


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Bounds that are settings (`deploy.run.settings` says what each means, and has the same defaults)."""

    connections: int = 2000
    of_one_address: int = 1000
    trusted: Networks = NOBODY  # proxies: many callers behind one address, which therefore has no share
    body_grace_seconds: float = 15.0
    body_bytes_per_second: int = 4096
    reader_seconds: float = 20.0

    def body_seconds(self, received: int) -> float:
        """How long after its head a body may be under way that has come so far.

        A body of n bytes has `grace + n / rate` seconds in all, and at no moment is it further behind than the grace.
        """
        return self.body_grace_seconds + received / self.body_bytes_per_second
