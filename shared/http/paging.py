"""Pages: `?limit=&cursor=` → `{"items": […], "next": …}`, newest first by UUIDv7 id, keyset all the way."""

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2s
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Query, Request
from pydantic import BaseModel
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from shared.context.ctx import Ctx
from shared.database.tables import TenantRow
from shared.values.faults import Invalid

MAX_LIMIT = 200
LAST_ID = UUID(int=2**128 - 1)  # no UUIDv7 is as high
Row = TypeVar("Row", bound=TenantRow)
Item = TypeVar("Item")
PageKey = UUID | int | tuple[UUID, UUID]


class Page(BaseModel, Generic[Item]):
    """One page of a list; `next` is the cursor of the following page, null on the last."""

    items: list[Item]
    next: str | None = None

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """`PageOrderOut`: its name in OpenAPI and in clients generated of it."""
        return "Page" + "".join(getattr(each, "__name__", "") for each in params)


@dataclass(frozen=True, slots=True)
class PageQuery:
    """The page a caller asks for; `filters` ties a cursor to the list it came from."""

    limit: int
    after: bytes | None
    filters: bytes

    @property
    def after_id(self) -> UUID | None:
        """The id after which the page begins, in lists ordered by id."""
        if self.after is None:
            return None
        if len(self.after) != 16:
            raise bad_cursor()
        return UUID(bytes=self.after)

    @property
    def below_id(self) -> UUID:
        """The same as a bound that is always there: `id < $n` finds its place in the index on every page."""
        return self.after_id or LAST_ID

    @property
    def after_number(self) -> int | None:
        """The number after which the page begins, in lists ordered by a number."""
        if self.after is None:
            return None
        if len(self.after) != 8:
            raise bad_cursor()
        return int.from_bytes(self.after, signed=True)

    @property
    def after_pair(self) -> tuple[UUID, UUID] | None:
        """The two ids after which the page begins, in lists of rows that two ids name together."""
        if self.after is None:
            return None
        if len(self.after) != 32:
            raise bad_cursor()
        return UUID(bytes=self.after[:16]), UUID(bytes=self.after[16:])

    def next_cursor(self, key: PageKey | bytes) -> str:
        """The cursor that continues after a row; bytes are a place of another kind, found in `after` again."""
        if isinstance(key, bytes):
            raw = key
        elif isinstance(key, tuple):
            raw = key[0].bytes + key[1].bytes
        else:
            raw = key.bytes if isinstance(key, UUID) else key.to_bytes(8, signed=True)
        return base64.urlsafe_b64encode(self.filters + raw).decode().rstrip("=")


def filters_of(path: str, query: Iterable[tuple[str, str]]) -> bytes:
    """What ties a cursor to a list: its path and its filters, whatever their order."""
    names = sorted((name, value) for name, value in query if name not in ("limit", "cursor"))
    return blake2s(repr((path, names)).encode(), digest_size=4).digest()


def bad_cursor() -> Invalid:
    """The refusal of a cursor that another list has made, or nobody."""
    return Invalid.field("/query/cursor", "invalid_cursor", "The cursor is not one of this list.")


async def _page_query(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many items at most.")] = 50,
    cursor: Annotated[str | None, Query(max_length=1000, description="`next` of the page before.")] = None,
) -> PageQuery:
    filters = filters_of(request.scope["path"], request.query_params.multi_items())
    if cursor is None:
        return PageQuery(limit, None, filters)
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError) as error:
        raise bad_cursor() from error
    if raw[:4] != filters:
        raise bad_cursor()
    return PageQuery(limit, raw[4:], filters)


PageDep = Annotated[PageQuery, Depends(_page_query)]


def page_of(rows: Sequence[Any], page: PageQuery, key: Callable[[Any], PageKey]) -> Page[Any]:
    """Make a page of rows that were read with one more than the limit."""
    items = list(rows[: page.limit])
    more = len(rows) > page.limit
    return Page(items=items, next=page.next_cursor(key(items[-1])) if more else None)


async def list_rows(
    ctx: Ctx,
    table: type[Row],
    page: PageQuery,
    *conditions: Any,  # noqa: ANN401 - SQL expressions
) -> Page[Any]:
    """A page of a table's rows that meet all conditions, newest first."""
    statement: SelectOfScalar[Row] = select(table).where(*conditions)
    if page.after_id is not None:
        statement = statement.where(col(table.id) < page.after_id)
    statement = statement.order_by(col(table.id).desc()).limit(page.limit + 1)
    rows = (await ctx.session.exec(statement)).all()
    return page_of(rows, page, lambda row: row.id)
