"""Looking up keys, clients and tenants: what many ask for at the same time is asked of the database together.

Strangers may send as many keys as they like, each another one. So a look-up has no connection of its own: what waits
goes in one statement, up to 500 of a kind, and at most so many statements run at once. Somebody whose key is good but
not remembered yet is found by the next statement, however many bad ones come with it. What was not found is remembered
for two seconds, or until something of the tenants' credentials changes here; keys and ids are random, so nobody asks
for one before it is made.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from enum import StrEnum

import asyncpg
from prometheus_client import Counter as Metric

from shared.base.batcher import Batcher, RoundSize
from shared.base.fair_share import FairShare
from shared.database.pool import Database

LOOKED_UP = Metric(
    "backoffice_gateway_lookups_total", "Credentials and tenants asked of the database", ["kind", "found"]
)
STATEMENTS_MADE = Metric("backoffice_gateway_lookup_statements_total", "Statements that asked for them")
UNKNOWN_SECONDS = 2.0
MOST_UNKNOWN = 10_000
MOST_TOGETHER = 500


class Kind(StrEnum):
    """What is looked up."""

    KEY = "key"
    CLIENT = "client"
    TENANT = "tenant"


# Each row says what it was found by, and whose it is with the tenant's facts.
STATEMENTS = {
    Kind.KEY: """
select k.key_hash as found_by, k.prefix as actor, k.scopes, t.* from api_keys k
join registered_tenants t on t.tenant_id = k.tenant_id
where k.key_hash = any($1::bytea[]) and k.revoked_at is null
""",
    Kind.CLIENT: """
select c.client_id as found_by, c.client_id as actor, c.scopes, c.secret_hash, t.* from clients c
join registered_tenants t on t.tenant_id = c.tenant_id
where c.client_id = any($1::text[]) and c.revoked_at is null
""",
    Kind.TENANT: "select t.tenant_id as found_by, t.* from registered_tenants t where t.tenant_id = any($1::uuid[])",
}


class Lookups:
    """Finds rows by key hash, client id or tenant id."""

    def __init__(self, worker_db: Database, *, at_once: int) -> None:
        """`at_once`: statements at the same time; fewer than the pool has connections."""
        self._db = worker_db
        self._batcher: Batcher[tuple[Kind, None], Hashable, asyncpg.Record | None] = Batcher(
            self._round,
            key_of=lambda _: object(),
            weight_of=lambda _: 1,
            most=RoundSize(MOST_TOGETHER, MOST_TOGETHER),
            turns=FairShare(at_once, of_one=at_once),
        )
        self._unknown: OrderedDict[Hashable, float] = OrderedDict()
        self._generation = 0

    async def find(self, kind: Kind, by: Hashable) -> asyncpg.Record | None:
        """The one row; None where there is none, or more than one (ids are ours and unique)."""
        until = self._unknown.get(by)
        if until is not None and until > time.monotonic():
            return None
        return await self._batcher.put((kind, None), by)

    def forget(self) -> None:
        """What was unknown may be known now; what is being looked up is not remembered as unknown either."""
        self._generation += 1
        self._unknown.clear()

    async def _round(self, key: tuple[Kind, None], wanted: Sequence[Hashable]) -> list[asyncpg.Record | None]:
        kind, _ = key
        generation = self._generation
        distinct = list(set(wanted))
        rows = await self._db.repeatable(STATEMENTS[kind], distinct)
        times = Counter(row["found_by"] for row in rows)
        found = {row["found_by"]: row for row in rows if times[row["found_by"]] == 1}
        STATEMENTS_MADE.inc()
        LOOKED_UP.labels(kind, "yes").inc(len(found))
        LOOKED_UP.labels(kind, "no").inc(len(distinct) - len(found))
        if generation == self._generation:
            self._remember_unknown(by for by in distinct if by not in found)
        return [found.get(by) for by in wanted]

    def _remember_unknown(self, missing: Iterable[Hashable]) -> None:
        until = time.monotonic() + UNKNOWN_SECONDS
        for by in missing:
            self._unknown[by] = until
            self._unknown.move_to_end(by)
        while len(self._unknown) > MOST_UNKNOWN:
            self._unknown.popitem(last=False)
