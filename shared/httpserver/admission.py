"""Who may come in: so many connections in all, and a share of them for one address.

Where there is no room it is made by ending the connection that has rested longest: one with no request in hand, be it
that none has come, or only a part of a head, or that all are answered. Only where every connection has a request in
hand is the newcomer turned away.
"""

from collections import deque
from typing import Protocol

from shared.base import telemetry
from shared.httpserver.limits import TURNED_AWAY_AT_ONCE, ServerLimits
from shared.values.networks import counted_as


class Guest(Protocol):
    """A connection, as the door sees it."""

    @property
    def rests_since(self) -> float | None:
        """Since when it has had no request in hand (loop time); None while it has one."""
        ...

    def make_room(self) -> None:
        """End at once; nothing is being answered."""


class Guests:
    """Some connections, and who of them rests, as it was when last looked at: requests pay nothing for it."""

    __slots__ = ("_longest_first", "inside", "name")

    def __init__(self, name: str) -> None:
        """Nobody has come yet."""
        self.name = name
        self.inside: set[Guest] = set()
        self._longest_first: deque[tuple[float, Guest]] = deque()

    def longest_resting(self) -> Guest | None:
        """Who has rested longest; who came to rest since the last look is looked at when the others have gone."""
        for looked_anew in (False, True):
            if looked_anew:
                resting = [
                    (since, guest) for guest in self.inside if (since := guest.rests_since) is not None
                ]
                self._longest_first.extend(sorted(resting, key=lambda found: found[0]))
            while self._longest_first:
                since, guest = self._longest_first.popleft()
                if guest in self.inside and guest.rests_since == since:
                    return guest
        return None


class Admission:
    """The door of one server process."""

    def __init__(self, limits: ServerLimits) -> None:
        """Nobody has come yet."""
        self.limits = limits
        self._all = Guests("all")
        self._shares: dict[str, Guests] = {}
        self._share_of: dict[Guest, Guests] = {}
        self._turned_away: set[Guest] = set()

    def enters(self, guest: Guest, address: str) -> bool:
        """Let a new connection in, or say that it is turned away."""
        of_one, name = self.limits.of_one_address, counted_as(address)
        if address in self.limits.trusted:
            of_one = self.limits.connections
        share = self._shares.get(name) or Guests(name)
        if len(share.inside) >= of_one and not self._make_room(share):
            return self._turn_away(guest, "address")
        if len(self._all.inside) >= self.limits.connections and not self._make_room(self._all):
            return self._turn_away(guest, "all")
        self._shares[name] = self._share_of[guest] = share
        share.inside.add(guest)
        self._all.inside.add(guest)
        return True

    def leaves(self, guest: Guest) -> None:
        """Give its place back; whoever has none has nothing to give."""
        self._turned_away.discard(guest)
        share = self._share_of.pop(guest, None)
        if share is None:
            return
        share.inside.discard(guest)
        self._all.inside.discard(guest)
        if not share.inside:
            self._shares.pop(share.name, None)

    def tells(self, guest: Guest) -> bool:
        """Whether one that is turned away is told so; those beyond the first hundred at a time are just cut off."""
        return guest in self._turned_away

    def observe(self) -> None:
        """Bring the gauge up to date."""
        resting = sum(guest.rests_since is not None for guest in self._all.inside)
        telemetry.HTTP_CONNECTIONS.labels("resting").set(resting)
        telemetry.HTTP_CONNECTIONS.labels("busy").set(len(self._all.inside) - resting)

    def _make_room(self, among: Guests) -> bool:
        """End the one that has rested longest."""
        longest = among.longest_resting()
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
