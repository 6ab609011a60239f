"""Splitting a file into records: CSV or JSON lines, nothing in it trusted, in time that grows with its size alone.

A quote left open, half a row or bytes of another encoding refuse their own row, never the rows around it.
"""

import csv
import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import islice

from services.orders.imports.rules.model import (
    DEFAULT_MAPPING,
    MAX_CELL,
    MAX_RECORD,
    MAX_RECORD_LINES,
    REQUIRED,
    Code,
    Reading,
    RefusedRow,
    UnreadableFile,
)

csv.field_size_limit(MAX_RECORD)  # how long a cell may be is checked after the split, with a reason
MAX_JSON_LINE = 100 * MAX_CELL
# A whole cell and the comma behind it.
CELL = re.compile(r'(?:"((?:[^"]|"")*)"|([^",\r\n]*)),')

Record = Mapping[str, str] | RefusedRow
# A record's number (the first after the header is 1), itself to be read again, and what it says unless it is empty.
Numbered = tuple[int, bytes, Record | None]


class CsvFile:
    """A CSV file; its header says where the fields are."""

    def __init__(self, lines: Iterator[str], reading: Reading) -> None:
        """Reads the header; raises `UnreadableFile` where there is none to go by."""
        self._split = split_records(lines)
        header = [cell.strip() for cell in _header(self._split)]
        missing = [
            f"{ours} ({column})"
            for ours, column in reading.mapping.items()
            if column not in header and (ours in REQUIRED or column != DEFAULT_MAPPING.get(ours))
        ]
        if missing:
            raise UnreadableFile(
                f"The header lacks the column of {', '.join(missing)}.", code="column_missing"
            )
        self._width = len(header)
        self._place = {
            ours: header.index(column) for ours, column in reading.mapping.items() if column in header
        }

    def records(self) -> Iterator[Numbered]:
        """The records in turn; an empty one has its number, too."""
        for number, (text, cells) in enumerate(self._split, 1):
            if cells == []:
                yield number, b"", None
                continue
            record = self._record(cells)
            if isinstance(record, RefusedRow) and not record.order_ref:
                record.order_ref = self._ref_before_the_fault(text)
            yield number, text.encode("utf-8", "surrogatepass"), record

    def read(self, raw: bytes) -> Record:
        """What a record says that was split off before."""
        return self._record(_cells(raw.decode("utf-8", "surrogatepass")) or [])

    def _record(self, cells: list[str] | RefusedRow) -> Record:
        if isinstance(cells, RefusedRow):
            return cells
        if len(cells) != self._width:
            found = {ours: cells[i] for ours, i in self._place.items() if i < len(cells)}
            return RefusedRow(
                Code.SHAPE,
                f"The row has {len(cells)} cells, the header {self._width}.",
                order_ref=found.get("order_ref", "").strip(),
            )
        return {ours: cells[i] for ours, i in self._place.items()}

    def _ref_before_the_fault(self, text: str) -> str:
        """The order that a row names which cannot be split: a row that is lost must not leave a part of its order."""
        at, ref = 0, ""
        for _ in range(self._place["order_ref"] + 1):
            cell = CELL.match(text, at, 10 * MAX_CELL)
            if cell is None:
                return ""
            at, ref = cell.end(), cell[2] if cell[1] is None else cell[1].replace('""', '"')
        return ref.strip()


def _header(split: Iterator[tuple[str, list[str] | RefusedRow]]) -> list[str]:
    _, first = next(split, ("", None))
    if first is None:
        raise UnreadableFile("The file is empty.", code="file_empty")
    if isinstance(first, RefusedRow):
        raise UnreadableFile("The header cannot be split into columns.", code="header_invalid")
    return first


def split_records(lines: Iterator[str]) -> Iterator[tuple[str, list[str] | RefusedRow]]:
    """Join lines that a quoted cell spans, and split each record; a quote that is not closed refuses its own line only.

    Closed means that the line which closes it can be split, too: in a file whose cells all have quotes, the next cell's
    opening quote is no end of this one.
    """
    ahead = _Ahead(lines)
    while ahead.first is not None:
        text, taken = ahead.first, 1
        cells = _cells(text)
        if cells is None and (joined := ahead.joined()) is not None:
            text, taken = joined
            cells = _cells(text)
        if cells is None:
            cells = RefusedRow(Code.QUOTE, "A quote is opened in this row and never closed.")
        yield text, cells
        ahead.drop(taken)


class _Ahead:
    """Lines that are read and belong to no record yet.

    Whether a quote that is open before a line is open behind it is a property of the line: it is asked once for each,
    however many quotes were opened before it.
    """

    def __init__(self, lines: Iterator[str]) -> None:
        self._source = lines
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
            inside = _cells('"' + self._lines[place])
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


def _cells(record: str) -> list[str] | RefusedRow | None:
    """The cells of one record; None when a quote is still open at its end."""
    if len(record) > MAX_RECORD:
        return RefusedRow(Code.CELL, f"The row has more than {MAX_RECORD:,} characters.")
    try:
        return next(csv.reader([record], strict=True), [])
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            return None
        return RefusedRow(Code.SHAPE, f"The row cannot be split into cells: {error}.")


class JsonLines:
    """A file of one JSON object a line, in UTF-8."""

    def __init__(self, lines: Iterator[str], reading: Reading) -> None:
        """`lines` are read as Latin-1, so that a line's bytes are known whatever they are."""
        self._lines = lines
        self._mapping = reading.mapping

    def records(self) -> Iterator[Numbered]:
        """The records in turn; empty lines have no number."""
        number = 0
        for line in self._lines:
            raw = line.rstrip("\r\n").encode("latin-1")
            if not raw.strip():
                yield number, b"", None
                continue
            number += 1
            yield number, raw, self.read(raw)

    def read(self, raw: bytes) -> Record:
        """What a line says."""
        if len(raw) > MAX_JSON_LINE:
            return RefusedRow(Code.CELL, f"The line has more than {MAX_JSON_LINE:,} bytes.")
        try:
            document = json.loads(raw.decode("utf-8"), parse_float=str, parse_int=str, parse_constant=str)
        except UnicodeDecodeError:
            return RefusedRow(Code.ENCODING, "The line is not valid UTF-8.")
        except (ValueError, RecursionError):
            return RefusedRow(Code.JSON, "The line is not valid JSON.")
        if not isinstance(document, dict):
            return RefusedRow(Code.JSON, "The line is not a JSON object.")
        found = {ours: document.get(theirs) for ours, theirs in self._mapping.items()}
        if any(isinstance(value, dict | list | bool) for value in found.values()):
            return RefusedRow(Code.JSON, "A field is not a text or number.", order_ref=_ref_in(found))
        return {ours: str(value) for ours, value in found.items() if value is not None}


def _ref_in(found: Mapping[str, object]) -> str:
    """The order that an object names of which another field is no text."""
    ref = found.get("order_ref")
    return ref.strip() if isinstance(ref, str) else ""
