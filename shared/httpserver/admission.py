"""Who may come in: so many connections in all, and a share of them for one address.

Where there is no room it is made by ending the connection that has rested longest: one with no request in hand, be it
that none has come, or only a part of a head, or that all are answered. Only where every connection has a request in
hand is the newcomer turned away.
"""

from typing import Protocol

from shared.base import telemetry
from shared.httpserver.limits import TURNED_AWAY_AT_ONCE, ServerLimits
from shared.values.networks import counted_as


class Guest(Protocol):
    """A connection, as the door sees it."""

    share: "Share | None"

    def make_room(self) -> None:
        """End at once; nothing is being answered."""


class Share:
    """The connections of one address: how many, and those that rest, longest first."""

    __slots__ = ("name", "open", "resting")

    def __init__(self, name: str) -> None:
        """Nobody has come yet."""
        self.name = name
        self.open = 0
        self.resting: dict[Guest, None] = {}


class Admission:
    """The door of one server process."""

    def __init__(self, limits: ServerLimits) -> None:
        """Nobody has come yet."""
        self.limits = limits
        self._open = 0
        self._shares: dict[str, Share] = {}
        self._resting: dict[Guest, None] = {}
        self._turned_away: set[Guest] = set()

    def enters(self, guest: Guest, address: str) -> bool:
        """Let a new connection in, or say that it is turned away; one that is in rests until its first request."""
        of_one, name = self.limits.of_one_address, counted_as(address)
        if address in self.limits.trusted:
            of_one = self.limits.connections
        share = self._shares.get(name) or Share(name)
        if share.open >= of_one and not self._make_room(share.resting):
            return self._turn_away(guest, "address")
        if self._open >= self.limits.connections and not self._make_room(self._resting):
            return self._turn_away(guest, "all")
        self._shares[name] = guest.share = share
        share.open += 1
        self._open += 1
        self.rests(guest)
        return True

    def leaves(self, guest: Guest) -> None:
        """Give its place back; whoever has none has nothing to give."""
        self._turned_away.discard(guest)
        share, guest.share = guest.share, None
        if share is None:
            return
        share.resting.pop(guest, None)
        self._resting.pop(guest, None)
        self._open -= 1
        share.open -= 1
        if not share.open:
            del self._shares[share.name]

    def rests(self, guest: Guest) -> None:
        """It has no request in hand from now on."""
        if guest.share is not None:
            guest.share.resting[guest] = None
            self._resting[guest] = None

    def works(self, guest: Guest) -> None:
        """It has a request in hand: nobody ends it to make room."""
        if guest.share is not None:
            guest.share.resting.pop(guest, None)
            self._resting.pop(guest, None)

    def tells(self, guest: Guest) -> bool:
        """Whether one that is turned away is told so; those beyond the first hundred at a time are just cut off."""
        return guest in self._turned_away

    def observe(self) -> None:
        """Bring the gauge up to date."""
        telemetry.HTTP_CONNECTIONS.labels("busy").set(self._open - len(self._resting))
        telemetry.HTTP_CONNECTIONS.labels("resting").set(len(self._resting))

    def _make_room(self, resting: dict[Guest, None]) -> bool:
        """End the one that has rested longest."""
        longest = next(iter(resting), None)
        if longest is None:
            return False
        self.leaves(longest)
        telemetry.HTTP_ENDED.labels("room").inc()
        longest.make_room()
        return True

    def _turn_away(self, guest: Guest, limit: str) -> bool:
        telemetry.HTTP_TURNED_AWAY.labels(limit).inc()
        if len(self._turned_away) < TURNED_AWAY_AT_ONCE:
            self._turned_away.add(guest)
        return False
