"""A rate limiter in process: GCRA, one float a key, constant time, bounded memory.

GCRA keeps only the theoretical arrival time (TAT) of the next conforming request, so a key idle long enough
to be full again equals a key never seen: forgetting it loses nothing. That is what makes the memory bound
harmless.
"""

import math
from collections import OrderedDict
from typing import NamedTuple

from shared.httpserver.asgi import Headers


class Limit:
    """A policy: `rate` requests a second sustained, `burst` at once, and its header field."""

    __slots__ = ("burst", "interval", "name", "policy", "rate", "tolerance")

    def __init__(self, rate: float, burst: int, name: str = "default") -> None:
        """Precompute what every check needs; the name must survive unescaped in a structured field string."""
        if not (rate > 0 and math.isfinite(rate)) or burst < 1:
            raise ValueError("rate and burst must be positive")
        if not name.isascii() or not name.isprintable() or '"' in name or "\\" in name:
            raise ValueError("the name must be printable ASCII without quotes or backslashes")
        self.rate = rate
        self.burst = burst
        self.name = name
        self.interval = 1.0 / rate
        self.tolerance = burst / rate
        self.policy = f'"{name}";q={burst};w={_seconds(self.tolerance)}'.encode()

    @classmethod
    def per(cls, quota: int, window: float, name: str = "default") -> "Limit":
        """Build the policy `quota` requests per `window` seconds, all of which may come at once."""
        return cls(quota / window, quota, name)


class Decision(NamedTuple):
    """The verdict on one request; times are seconds from now, `retry_after` is 0 when it was allowed."""

    allowed: bool
    remaining: int
    reset_after: float
    retry_after: float

    def headers(self, limit: Limit) -> Headers:
        """Render the fields of draft-ietf-httpapi-ratelimit-headers-11, and Retry-After on a refusal."""
        state = f'"{limit.name}";r={self.remaining};t={_seconds(self.reset_after)}'
        fields = [(b"ratelimit-policy", limit.policy), (b"ratelimit", state.encode())]
        if not self.allowed:
            fields.append((b"retry-after", str(_seconds(self.retry_after)).encode()))
        return fields


class Gcra:
    """The limiter's state for many keys; when full, the key unused longest goes first.

    An attacker who can invent keys can thereby push out a live key and free it early, so keys must come from
    what he cannot multiply (address prefix, tenant), and `evicted_live` growing says that `max_keys` is too
    small.
    """

    __slots__ = ("_max_keys", "_tat", "evicted_live")

    def __init__(self, max_keys: int = 100_000) -> None:
        """Bound the memory: about 150 bytes a key."""
        self._max_keys = max_keys
        self._tat: OrderedDict[str, float] = OrderedDict()
        self.evicted_live = 0

    def __len__(self) -> int:
        """Return how many keys are remembered."""
        return len(self._tat)

    def check(self, key: str, limit: Limit, now: float, cost: int = 1) -> Decision:
        """Count one request (or one of `cost`) against a key; a refused request costs nothing."""
        stored = self._tat.get(key)
        longest = now + limit.tolerance
        tat = now if stored is None or stored < now else stored
        if tat > longest:  # a clock or a policy that changed must not lock a key out for longer than this
            tat = longest
        after = tat + cost * limit.interval
        if after - longest > 1e-9:
            if stored is not None:
                self._tat.move_to_end(key)
            return Decision(False, self._left(limit, tat - now), tat - now, after - longest)
        self._tat[key] = after
        if stored is not None:
            self._tat.move_to_end(key)
        else:
            self._evict(now)
        return Decision(True, self._left(limit, after - now), after - now, 0.0)

    def give_back(self, key: str, limit: Limit) -> None:
        """Take back what one allowed request cost: it was not of the kind that is counted."""
        if (stored := self._tat.get(key)) is not None:
            self._tat[key] = stored - limit.interval

    @staticmethod
    def _left(limit: Limit, debt: float) -> int:
        """Return how many requests would pass at once; the epsilon keeps 2.9999999 from reading as 2."""
        return max(0, int((limit.tolerance - debt) * limit.rate + 1e-6))

    def _evict(self, now: float) -> None:
        """For a new key, look at no more than the two oldest: a sweep never makes one request slow."""
        for _ in range(2):
            key, tat = next(iter(self._tat.items()))
            if tat > now:
                if len(self._tat) <= self._max_keys:
                    return
                self.evicted_live += 1
            del self._tat[key]
            if not self._tat:
                return


def _seconds(value: float) -> int:
    """Round up to whole seconds, never to zero: a client told 0 would come back at once."""
    return max(1, math.ceil(value - 1e-6))
