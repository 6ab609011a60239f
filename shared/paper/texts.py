"""All that a document may print, gathered before it is drawn: of each font only these letters go into the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

# Names of months and countries, signs of numbers, and what is put in capitals, in languages with Latin letters.
_LATIN = "".join(map(chr, (*range(0x20, 0x7F), *range(0xA0, 0x180), *range(0x2010, 0x2030), 0x20AC)))


def texts_of(*values: object) -> Iterator[str]:
    """Every text in dataclasses, tuples and mappings, and the Latin letters."""
    yield _LATIN
    for value in values:
        yield from _inside(value)


def _inside(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif is_dataclass(value):
        for each in fields(value):
            yield from _inside(getattr(value, each.name))
    elif isinstance(value, Mapping):
        yield from _inside(tuple(value.values()))
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _inside(part)
