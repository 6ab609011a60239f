"""Whether a client is who it says: at once for who has proven it before, in turn for others, slowly for who guesses.

Comparing a secret is slow on purpose, so whoever sends many must not keep others from it.

- A client that has signed in here before is known by a keyed hash of its secret, bound to the stored one: its next
  sign-in is compared at once, whatever else comes. Changing the secret ends that.
- Others have a turn in a lane of their own: a client at an address. Ids that there are not share one lane per address,
  so inventing them wins nothing. Where too many wait already, the answer is 503.
- Each comparison is charged when its turn has come and given back when the secret was right, so many at once get no
  more guesses than one after the other. Who has none left is told so without a comparison. Ids that there are not
  are charged like others, so that the limit does not tell which there are, and to their address as well.
"""

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import asyncpg

from gateway.identity.directory import LONGEST_CLIENT_ID, Directory
from gateway.identity.faults import TooManyRequests, TooManySignIns
from gateway.identity.rate_limits import Gcra, Limit
from gateway.identity.secrets import AT_ONCE, SecretKeeper
from gateway.settings import GatewaySettings
from shared.base.fair_share import FairShare, ShareExhausted

WAITING_OF_ONE = 50
MOST_WAITING = 1000
MOST_KNOWN = 10_000


class _Attempt(NamedTuple):
    """Somebody signs in, as a client that there is or as one that there is not."""

    client: asyncpg.Record | None
    given: Sequence[str]
    lane: tuple[str, str | None]
    charged_to: Sequence[tuple[str, Limit]]


class SignIns:
    """Compares the secrets that clients send; wrong ones are counted by lane."""

    def __init__(self, directory: Directory, keeper: SecretKeeper, settings: GatewaySettings) -> None:
        """Nobody is known yet."""
        self._directory = directory
        self._keeper = keeper
        self._turns = FairShare(AT_ONCE, waiting_of_one=WAITING_OF_ONE)
        self._known = _Known()
        self._failures = Gcra()
        self._client_limit = Limit.per(settings.client_failures_per_minute, 60.0, "client")
        self._address_limit = Limit.per(settings.address_failures_per_minute, 60.0, "address")

    async def proven(self, client_id: str, given: Sequence[str], address: str) -> asyncpg.Record | None:
        """The client with its tenant's facts, if one of the secrets given is its own."""
        client = await self._directory.client(client_id)
        if client is not None and self._known.knows(client, given):
            return client
        attempt = self._attempt(client, client_id, given, address)
        self._require_patience(attempt)
        if self._turns.waiting >= MOST_WAITING and self._turns.waiting_of(attempt.lane):
            raise TooManySignIns("Too many are signing in; try again.")
        try:
            async with self._turns.place(attempt.lane):
                return await self._compared(attempt)
        except ShareExhausted as error:
            raise TooManySignIns("Too many are signing in from here; try again.") from error

    def _attempt(
        self, client: asyncpg.Record | None, client_id: str, given: Sequence[str], address: str
    ) -> _Attempt:
        guesses = (f"{address}|{client_id[:LONGEST_CLIENT_ID]}", self._client_limit)
        if client is not None:
            return _Attempt(client, given, (address, client_id), (guesses,))
        return _Attempt(None, given, (address, None), (guesses, (address, self._address_limit)))

    async def _compared(self, attempt: _Attempt) -> asyncpg.Record | None:
        """Its turn has come; meanwhile another of the same client may have proven the same secret."""
        client = attempt.client
        if client is not None and self._known.knows(client, attempt.given):
            return client
        for key, limit in attempt.charged_to:
            charged = self._failures.check(key, limit, time.monotonic())
            if not charged.allowed:
                raise _too_many(limit, charged.retry_after)
        stored = client["secret_hash"] if client is not None else None
        for secret in attempt.given:
            if await self._keeper.matches(stored, secret) and client is not None:
                for key, limit in attempt.charged_to:
                    self._failures.give_back(key, limit)
                self._known.remember(client, secret)
                return client
        return None

    def _require_patience(self, attempt: _Attempt) -> None:
        """Refuse who has no guess left before he takes a place in the queue."""
        for key, limit in attempt.charged_to:
            if self._failures.check(key, limit, time.monotonic(), cost=0).remaining == 0:
                raise _too_many(limit, limit.interval)


class _Known:
    """Who has proven its secret here; the one that did longest ago makes room.

    What is kept is worth nothing without this process's own random key, and nothing once the stored hash is another.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._proofs: OrderedDict[str, bytes] = OrderedDict()

    def knows(self, client: asyncpg.Record, given: Sequence[str]) -> bool:
        """Whether one of the secrets is the one proven before."""
        proof = self._proofs.get(client["actor"])
        return proof is not None and any(
            hmac.compare_digest(proof, self._proof(client, secret)) for secret in given
        )

    def remember(self, client: asyncpg.Record, secret: str) -> None:
        """This secret has been compared slowly, and was right."""
        self._proofs[client["actor"]] = self._proof(client, secret)
        self._proofs.move_to_end(client["actor"])
        if len(self._proofs) > MOST_KNOWN:
            self._proofs.popitem(last=False)

    def _proof(self, client: asyncpg.Record, secret: str) -> bytes:
        text = f"{client['secret_hash']}\0{secret}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, key=self._key, digest_size=32).digest()


def _too_many(limit: Limit, seconds: float) -> TooManyRequests:
    return TooManyRequests("Too many wrong secrets.", limit=limit.name, seconds=seconds)
