"""Splitting a file into records: CSV or JSON lines, any encoding, and nothing in it trusted.

A quote left open, half a row or bytes of another encoding refuse their own row, never the rows around it.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping

from services.orders.imports.rules.model import (
    DEFAULT_MAPPING,
    MAX_CELL,
    MAX_RECORD_LINES,
    REQUIRED,
    Code,
    Reading,
    RefusedRow,
    UnreadableFile,
)

# The longest cell csv splits off; how long a cell may be is checked after the split, with a reason.
csv.field_size_limit(128 * 1024 * 1024)

Record = Mapping[str, str] | RefusedRow


def _text_of(content: bytes, encoding: str) -> str:
    """The file's text; undecodable bytes survive as lone surrogates, so that only their rows are refused."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    return content.decode("utf-8-sig" if encoding == "utf-8" else encoding, errors="surrogateescape")


def records_of(content: bytes, reading: Reading) -> Iterator[tuple[int, Record]]:
    """The file's records with their numbers (the first after the header is 1), each readable or refused."""
    return _jsonl_records(content, reading) if reading.format == "jsonl" else _csv_records(content, reading)


def _csv_records(content: bytes, reading: Reading) -> Iterator[tuple[int, Record]]:
    records = _split_records(_text_of(content, reading.encoding))
    header = [cell.strip() for cell in _header(next(records, None))]
    missing = [
        f"{ours} ({column})"
        for ours, column in reading.mapping.items()
        if column not in header and (ours in REQUIRED or column != DEFAULT_MAPPING.get(ours))
    ]
    if missing:
        raise UnreadableFile(f"The header lacks the column of {', '.join(missing)}.", code="column_missing")
    place = {ours: header.index(column) for ours, column in reading.mapping.items() if column in header}
    for number, cells in records:
        if cells != []:
            yield number, _csv_record(cells, len(header), place)


def _header(first: tuple[int, list[str] | csv.Error | None] | None) -> list[str]:
    if first is None:
        raise UnreadableFile("The file is empty.", code="file_empty")
    if not isinstance(first[1], list):
        raise UnreadableFile("The header cannot be split into columns.", code="header_invalid")
    return first[1]


def _csv_record(cells: list[str] | csv.Error | None, width: int, place: Mapping[str, int]) -> Record:
    if cells is None:
        return RefusedRow(Code.QUOTE, "A quote is opened in this row and never closed.")
    if isinstance(cells, csv.Error):
        return RefusedRow(Code.SHAPE, f"The row cannot be split into cells: {cells}.")
    if len(cells) != width:
        found = {ours: cells[i] for ours, i in place.items() if i < len(cells)}
        ref = found.get("order_ref", "").strip()
        return RefusedRow(Code.SHAPE, f"The row has {len(cells)} cells, the header {width}.", order_ref=ref)
    return {ours: cells[i] for ours, i in place.items()}


def _split_records(text: str) -> Iterator[tuple[int, list[str] | csv.Error | None]]:
    """Join physical lines that a quoted cell spans. A quote that stays open refuses its own line only (None)."""
    lines = list(io.StringIO(text, newline=""))
    at = 0
    number = 0
    while at < len(lines):
        record, end = lines[at], at
        cells = _cells(record)
        while cells is None and end + 1 < len(lines) and end - at < MAX_RECORD_LINES:
            end += 1
            record += lines[end]
            cells = _cells(record)
        yield number, cells
        number += 1
        at = (at if cells is None else end) + 1


def _cells(record: str) -> list[str] | csv.Error | None:
    """The cells of one record; None when a quote is still open at its end."""
    try:
        return next(csv.reader([record], strict=True), [])
    except csv.Error as error:
        return None if "unexpected end of data" in str(error) else error


def _jsonl_records(content: bytes, reading: Reading) -> Iterator[tuple[int, Record]]:
    number = 0
    for line in content.splitlines():
        if not line.strip():
            continue
        number += 1
        yield number, _jsonl_record(line, reading.mapping)


def _jsonl_record(line: bytes, mapping: Mapping[str, str]) -> Record:
    if len(line) > 100 * MAX_CELL:
        return RefusedRow(Code.CELL, "The line is too long.")
    try:
        document = json.loads(line.decode("utf-8"), parse_float=str, parse_int=str, parse_constant=str)
    except UnicodeDecodeError:
        return RefusedRow(Code.ENCODING, "The line is not valid UTF-8.")
    except (ValueError, RecursionError):
        return RefusedRow(Code.JSON, "The line is not valid JSON.")
    if not isinstance(document, dict):
        return RefusedRow(Code.JSON, "The line is not a JSON object.")
    found = {ours: document.get(theirs) for ours, theirs in mapping.items()}
    if any(isinstance(value, dict | list | bool) for value in found.values()):
        return RefusedRow(Code.JSON, "A field is not a text or number.")
    return {ours: str(value) for ours, value in found.items() if value is not None}
