"""What stands in front of a file's rows: which sign is between its cells, and which column holds what."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from services.orders.imports.rules.model import (
    DEFAULT_MAPPING,
    MAX_CELL,
    MAX_RECORD_LINES,
    REQUIRED,
    Reading,
    RefusedRow,
    UnreadableFile,
)
from services.orders.imports.rules.splitting import split_records
from shared.values.texts import composed

DELIMITERS = {",": ",", ";": ";", "tab": "\t"}
LOOKED_AT = 64 * 1024  # characters of a file that are looked at to know its delimiter
SAID = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # the first line by which Excel is told of it


def found_delimiter(lines: Iterator[str], reading: Reading) -> tuple[str, Iterator[str]]:
    """The sign between the cells, and the lines from the header on.

    It is the one that was said, in the options or in a line `sep=`; else the one by which the header has all columns
    that we need. Raises UnreadableFile where two signs do.
    """
    first = _first(lines)
    said = SAID.fullmatch(first[0]) if first else None
    if said is not None:
        del first[0]
    rest = chain(first, lines)
    if reading.delimiter != "auto":
        return DELIMITERS[reading.delimiter], rest
    if said is not None:
        if said[1] not in DELIMITERS.values():
            text = f"The file's first line says sep={said[1]}; comma, semicolon and tab are read."
            raise UnreadableFile(text, code="delimiter_unknown")
        return said[1], rest
    found = {sign: _columns(first, sign) & set(reading.mapping.values()) for sign in DELIMITERS.values()}
    needed = {reading.mapping[name] for name in REQUIRED}
    fitting = [sign for sign, columns in found.items() if columns >= needed]
    if len(fitting) > 1:
        raise UnreadableFile(
            "The header has our columns by more than one delimiter; name it in the option delimiter.",
            code="delimiter_ambiguous",
        )
    return (fitting or [max(found, key=lambda sign: len(found[sign]))])[0], rest


def _first(lines: Iterator[str]) -> list[str]:
    """The first lines that are not blank, as many as a header may have, and not many characters of them."""
    found: list[str] = []
    size = 0
    for line in lines:
        if found or line.strip():
            found.append(line)
            size += len(line)
            if len(found) > MAX_RECORD_LINES + 1 or size > LOOKED_AT:
                break
    return found


def _columns(first: Sequence[str], sign: str) -> set[str]:
    _, cells = next(split_records(iter(first), sign), ("", None))
    return set() if cells is None or isinstance(cells, RefusedRow) else set(names_of(cells))


def names_of(cells: Sequence[str]) -> list[str]:
    """The names in a header's cells, as they are compared."""
    return [composed(cell.strip()) if len(cell) <= MAX_CELL else cell for cell in cells]


def header_places(header: Sequence[str], reading: Reading) -> Mapping[str, int]:
    """Where each of our fields stands; raises UnreadableFile where a column is lacking, or there twice."""
    missing = [
        f"{ours} ({column})"
        for ours, column in reading.mapping.items()
        if column not in header and (ours in REQUIRED or column != DEFAULT_MAPPING.get(ours))
    ]
    if missing:
        raise UnreadableFile(
            f"The header lacks the column of {', '.join(missing)}; name the file's column in the option mapping.",
            code="column_missing",
        )
    places = {ours: header.index(column) for ours, column in reading.mapping.items() if column in header}
    twice = [header[at] for at in places.values() if header.count(header[at]) > 1]
    if twice:
        raise UnreadableFile(
            f"The header names {', '.join(twice)} twice, and we cannot know which is meant; rename one.",
            code="column_twice",
        )
    return places
