"""Words by which rows are found: one row per term of a thing (a customer, a product), read by ranges of terms.

A prefix is a range, `term >= low and term < high` in the order of bytes (collation C). Those comparisons are
leakproof, so that PostgreSQL uses the index under row-level security, where it does not for LIKE, `@@` or arrays.
What is read is bounded whatever is asked for: `owners` gives up when too much fits, and then whoever asks walks
through its own rows in their order, with `condition` (docs/adr/0044).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.context.ctx import Ctx
from shared.values.search_text import LAST, Sought

MOST_READ = 20_000  # terms of the narrowest word, each of which is looked at


@dataclass(slots=True)
class Parameters:
    """The parameters of a statement, as they come; $1 is the tenant."""

    values: list[object]

    def add(self, value: object) -> str:
        """The place of one more."""
        self.values.append(value)
        return f"${len(self.values)}"

    def prefix(self, column: str, text: str) -> str:
        """Whether a column in the order of bytes begins with a text."""
        return f"{column} >= {self.add(text)} and {column} < {self.add(text + LAST)}"


class TermIndex:
    """The terms of one kind of thing."""

    def __init__(self, table: str, owner: str) -> None:
        """`owner` is the column with the id of what has the terms."""
        self._table, self._owner = table, owner
        self._add = (
            f"insert into {table} (tenant_id, {owner}, term) "  # noqa: S608 - our own column names
            "select $1, n.id, n.term from unnest($2::uuid[], $3::text[]) as n(id, term) on conflict do nothing"
        )
        self._put = (
            f"with gone as (delete from {table} t where t.tenant_id = $1 and t.{owner} = any($4::uuid[]) "  # noqa: S608
            "and not exists (select from unnest($2::uuid[], $3::text[]) as n(id, term) "
            f"where n.id = t.{owner} and n.term = t.term)) {self._add}"
        )

    async def add(self, ctx: Ctx, terms: Mapping[UUID, Collection[str]]) -> None:
        """Have things found by these terms, too."""
        if terms:
            await ctx.sql.execute(self._add, ctx.tenant.id, *_columns(terms))

    async def put(self, ctx: Ctx, terms: Mapping[UUID, Collection[str]]) -> None:
        """Have things found by these terms and no others any more."""
        if terms:
            await ctx.sql.execute(self._put, ctx.tenant.id, *_columns(terms), list(terms))

    async def owners(self, ctx: Ctx, sought: Sought, *, most: int) -> list[UUID] | None:
        """All things that answer a search; None when they are more than `most`, or as good as everything fits."""
        found: set[UUID] = set()
        for way in await self._by_narrowness(ctx, sought):
            if way is None:
                return None
            parameters = Parameters([ctx.tenant.id])
            first, *others = way
            conditions = [parameters.prefix("t.term", first)]
            conditions += [self._has(parameters, f"t.{self._owner}", word) for word in others]
            rows = await ctx.sql.fetch(
                f"select distinct t.{self._owner} as id from {self._table} t "  # noqa: S608 - our own column names
                f"where t.tenant_id = $1 and {' and '.join(conditions)} limit {most + 1}",
                *parameters.values,
            )
            found |= {row["id"] for row in rows}
            if len(found) > most:
                return None
        return list(found)

    def condition(self, parameters: Parameters, sought: Sought, owner: str) -> str:
        """Whether the thing that `owner` names answers a search: a look at the index for each word."""
        ways = [" and ".join(self._has(parameters, owner, word) for word in way) for way in sought.ways]
        return f"({' or '.join(f'({way})' for way in ways)})" if ways else "false"

    def _has(self, parameters: Parameters, owner: str, word: str) -> str:
        # A value and no EXISTS: the planner would make a join of that, which reads all that begins with the word.
        return (
            f"coalesce((select true from {self._table} w where w.tenant_id = $1 and w.{self._owner} = {owner} "  # noqa: S608
            f"and {parameters.prefix('w.term', word)} limit 1), false)"
        )

    async def _by_narrowness(self, ctx: Ctx, sought: Sought) -> Sequence[tuple[str, ...] | None]:
        """Each way with its narrowest word first; None for one whose every word begins too many terms."""
        words = sorted({word for way in sought.ways for word in way})
        rows = await ctx.sql.fetch(
            "select word.low, (select count(*) from (select from "  # noqa: S608 - our own column names
            f"{self._table} t where t.tenant_id = $1 and t.term >= word.low and t.term < word.high "
            f"limit {MOST_READ + 1}) as few) as found from unnest($2::text[], $3::text[]) as word(low, high)",
            ctx.tenant.id,
            words,
            [word + LAST for word in words],
        )
        many: dict[str, int] = {row["low"]: row["found"] for row in rows}
        ways = [tuple(sorted(way, key=lambda word: many[word])) for way in sought.ways]
        return [way if many[way[0]] <= MOST_READ else None for way in ways if many[way[0]]]


def _columns(terms: Mapping[UUID, Collection[str]]) -> tuple[list[UUID], list[str]]:
    pairs = [(id_, term) for id_, found in terms.items() for term in found]
    return [id_ for id_, _ in pairs], [term for _, term in pairs]
