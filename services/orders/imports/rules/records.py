"""A file's records: what each says of our fields, or why it cannot be read."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from services.orders.imports.rules.headers import found_delimiter, header_places, names_of
from services.orders.imports.rules.model import MAX_CELL, Code, Reading, RefusedRow, UnreadableFile
from services.orders.imports.rules.splitting import cells_of, split_records
from shared.values.texts import composed

Record = Mapping[str, str] | RefusedRow
# A record's number (the first after the header is 1), itself to be read again, and what it says unless it is blank.
Numbered = tuple[int, bytes, Record | None]


class RecordFile(Protocol):
    """A file that is split once, and whose records are read again one by one."""

    def records(self) -> Iterator[Numbered]:
        """The records in turn; a blank one has its number, too."""

    def read(self, raw: bytes) -> Record:
        """What a record says that was split off before."""


def cell_text(cell: str) -> str:
    """A cell as it is compared; one that is too long will be refused as it is."""
    return composed(cell) if len(cell) <= MAX_CELL else cell


class CsvFile:
    """A CSV file; its header says where the fields are."""

    def __init__(self, lines: Iterator[str], reading: Reading) -> None:
        """Reads the header; raises `UnreadableFile` where there is none to go by."""
        self._delimiter, rest = found_delimiter(lines, reading)
        self._split = split_records(rest, self._delimiter)
        header = names_of(_header(self._split))
        self._width = len(header)
        self._place = header_places(header, reading)

    def records(self) -> Iterator[Numbered]:
        """The records in turn; a blank one has its number, too."""
        for number, (text, cells) in enumerate(self._split, 1):
            if isinstance(cells, list) and not any(map(str.strip, cells)):
                yield number, b"", None
                continue
            record = self._record(cells)
            if isinstance(record, RefusedRow) and not record.order_ref:
                record.order_ref = self._ref_before_the_fault(text)
            yield number, text.encode("utf-8", "surrogatepass"), record

    def read(self, raw: bytes) -> Record:
        """What a record says that was split off before."""
        return self._record(cells_of(raw.decode("utf-8", "surrogatepass"), self._delimiter) or [])

    def _record(self, cells: Sequence[str] | RefusedRow) -> Record:
        if isinstance(cells, RefusedRow):
            return cells
        if len(cells) != self._width:
            found = {ours: cells[i] for ours, i in self._place.items() if i < len(cells)}
            return RefusedRow(
                Code.SHAPE,
                f"The row has {len(cells)} cells, the header {self._width}; put cells with a delimiter in quotes.",
                order_ref=cell_text(found.get("order_ref", "").strip()),
            )
        return {ours: cell_text(cells[i]) for ours, i in self._place.items()}

    def _ref_before_the_fault(self, text: str) -> str:
        """The order that a row names which cannot be split: a row that is lost must not leave a part of its order."""
        at, ref, start = 0, "", text[: 10 * MAX_CELL]
        for _ in range(self._place["order_ref"] + 1):
            found = _whole_cell(start, at, self._delimiter)
            if found is None:
                return ""
            ref, at = found
        return cell_text(ref.strip())


def _whole_cell(text: str, at: int, delimiter: str) -> tuple[str, int] | None:
    """A cell that begins there, and where the next one does; None where it has no end, or is not well-formed."""
    if text[at : at + 1] != '"':
        end = text.find(delimiter, at)
        cell = text[at:end]
        return None if end < 0 or set(cell) & {'"', "\r", "\n"} else (cell, end + 1)
    end = text.find('"', at + 1)
    while text[end + 1 : end + 2] == '"' and end > 0:
        end = text.find('"', end + 2)
    return (
        (text[at + 1 : end].replace('""', '"'), end + 2)
        if end > 0 and text[end + 1 : end + 2] == delimiter
        else None
    )


def _header(split: Iterator[tuple[str, list[str] | RefusedRow]]) -> list[str]:
    _, first = next(split, ("", None))
    if first is None:
        raise UnreadableFile("The file is empty.", code="file_empty")
    if isinstance(first, RefusedRow):
        raise UnreadableFile(
            "The header cannot be split into columns; mend its quotes.", code="header_invalid"
        )
    return first
