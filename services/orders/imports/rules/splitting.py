"""Splitting a CSV file into records, nothing in it trusted, in time that grows with its size alone.

A quote left open or half a row refuse their own row, never the rows around it.
"""

import csv
from collections import deque
from collections.abc import Iterator
from itertools import islice

from services.orders.imports.rules.model import MAX_RECORD, MAX_RECORD_LINES, Code, RefusedRow

csv.field_size_limit(MAX_RECORD)  # how long a cell may be is checked after the split, with a reason


def split_records(lines: Iterator[str], delimiter: str = ",") -> Iterator[tuple[str, list[str] | RefusedRow]]:
    """Join lines that a quoted cell spans, and split each record; a quote that is not closed refuses its own line only.

    Closed means that the line which closes it can be split, too: in a file whose cells all have quotes, the next cell's
    opening quote is no end of this one.
    """
    ahead = _Ahead(lines, delimiter)
    while ahead.first is not None:
        text, taken = ahead.first, 1
        cells = cells_of(text, delimiter)
        if cells is None and (joined := ahead.joined()) is not None:
            text, taken = joined
            cells = cells_of(text, delimiter)
        if cells is None:
            cells = RefusedRow(
                Code.QUOTE, "A quote is opened in this row and never closed; write a quote in a cell twice."
            )
        yield text, cells
        ahead.drop(taken)


class _Ahead:
    """Lines that are read and belong to no record yet.

    Whether a quote that is open before a line is open behind it is a property of the line: it is asked once for each,
    however many quotes were opened before it.
    """

    def __init__(self, lines: Iterator[str], delimiter: str) -> None:
        self._source = lines
        self._delimiter = delimiter
        self._lines = deque(islice(lines, 1))
        self._open = 0  # how many lines behind the first are known to leave a quote open
        self._broken = False  # whether the one behind these is known to be unable to close it

    @property
    def first(self) -> str | None:
        """The line that the next record begins with; None at the file's end."""
        return self._lines[0] if self._lines else None

    def joined(self) -> tuple[str, int] | None:
        """The first line to the one that closes its quote, and how many these are; None when none does."""
        size = sum(map(len, islice(self._lines, self._open + 1)))
        while not self._broken and self._open < MAX_RECORD_LINES:
            place = self._open + 1
            if place == len(self._lines):
                self._lines.extend(islice(self._source, 1))
            if place == len(self._lines) or (size := size + len(self._lines[place])) > MAX_RECORD:
                return None
            inside = cells_of('"' + self._lines[place], self._delimiter)
            if isinstance(inside, list):
                return "".join(islice(self._lines, place + 1)), place + 1
            if inside is None:
                self._open += 1
            self._broken = inside is not None
        return None

    def drop(self, count: int) -> None:
        """Go on behind so many lines."""
        for _ in range(count):
            self._lines.popleft()
        if not self._lines:
            self._lines.extend(islice(self._source, 1))
        self._broken = self._broken and count <= self._open
        self._open = max(0, self._open - count)


def cells_of(record: str, delimiter: str) -> list[str] | RefusedRow | None:
    """The cells of one record; None when a quote is still open at its end."""
    if len(record) > MAX_RECORD:
        return RefusedRow(Code.CELL, f"The row has more than {MAX_RECORD:,} characters; shorten it.")
    try:
        return next(csv.reader([record], strict=True, delimiter=delimiter), [])
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            return None
        return RefusedRow(Code.SHAPE, f"The row cannot be split into cells: {error}; mend its quotes.")
