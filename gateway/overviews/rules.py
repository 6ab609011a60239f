"""Rules of overviews: how pages of several services become one, and where each of them goes on.

A service's place is the id of its last row that was shown. Ids grow with time, so the newest of all services come
first; a service that was missing keeps its place, and its rows come later instead of never.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Any
from uuid import UUID

import orjson

Places = dict[str, UUID]
Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """What one service answered: rows, newest first, and whether it has more."""

    service: str
    items: Sequence[Item]
    more: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """A service that did not answer, or refused, and the code of why."""

    service: str
    code: str


@dataclass(frozen=True, slots=True)
class Merged:
    """One page of all, where each service goes on after it, and whether any of them has more."""

    items: list[Item]
    places: Places
    more: bool


def merged(parts: Sequence[Part], places: Mapping[str, UUID], *, limit: int) -> Merged:
    """The newest rows of all parts, each with its service's name."""
    told = [[each | {"service": part.service} for each in part.items] for part in parts]
    newest = list(islice(merge(*told, key=lambda item: UUID(item["id"]), reverse=True), limit))
    now_at = dict(places)
    for item in newest:
        now_at[item["service"]] = UUID(item["id"])
    left = sum(len(part.items) for part in parts) > len(newest)
    return Merged(newest, now_at, left or any(part.more for part in parts))


def written(places: Places) -> bytes:
    """Places as a cursor holds them."""
    return orjson.dumps({service: place.hex for service, place in places.items()})


def read(cursor: bytes | None) -> Places:
    """The places that a cursor holds; none on the first page. Raises ValueError for what `written` never wrote."""
    if cursor is None:
        return {}
    found = orjson.loads(cursor)
    if not isinstance(found, dict) or not all(isinstance(place, str) for place in found.values()):
        raise ValueError("not the places of services")
    return {service: UUID(hex=place) for service, place in found.items()}
