"""A circuit breaker on connecting: a dead upstream is refused in microseconds, not after a timeout each."""


class Breaker:
    """Opens after `threshold` failed connects in a row; every `pause` seconds lets one probe through.

    Only connects count. A service that answers, however wrongly, is reachable, and hiding its answers would
    turn one broken route into an outage of all.
    """

    __slots__ = ("_failures", "_opened_at", "_pause", "_probing", "_threshold")

    def __init__(self, threshold: int = 5, pause: float = 1.0) -> None:
        """Start closed."""
        self._threshold = threshold
        self._pause = pause
        self._failures = 0
        self._opened_at: float | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Say whether connects are being refused or probed."""
        return self._opened_at is not None

    def admit(self, now: float) -> bool:
        """Ask to connect; True obliges the caller to report one of success, failure or withdrawn."""
        if self._opened_at is None:
            return True
        if self._probing or now - self._opened_at < self._pause:
            return False
        self._probing = True
        return True

    def success(self) -> None:
        """Close again: the upstream accepted a connection."""
        self._failures = 0
        self._opened_at = None
        self._probing = False

    def failure(self, now: float) -> None:
        """Count a failed connect; a failed probe opens for another pause."""
        self._failures += 1
        self._probing = False
        if self._failures >= self._threshold:
            self._opened_at = now

    def withdrawn(self) -> None:
        """Record that the caller gave up before knowing, so that the next one may probe."""
        self._probing = False
