"""A workbook of a spreadsheet program (.xlsx, ISO/IEC 29500): one sheet's rows, its cells as what they are.

openpyxl reads it row by row: of a formula what it last came to, of merged cells the first. Nothing in it is trusted:
what it unfolds to is counted before it is read, and cells while they are read; entities are not resolved.
"""

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile, ZipInfo
from zlib import error as zlib_error

from services.orders.imports.rules.headers import header_places, names_of
from services.orders.imports.rules.model import Code, Moment, Number, Reading, RefusedRow, UnreadableFile
from services.orders.imports.rules.records import Numbered, Record, cell_text

MB: Final = 1024 * 1024
MOST_PARTS = 2_000
MOST_UNFOLDED = 400 * MB  # all parts together; the file itself has 64 MB at most
MOST_OF_A_PART = 16 * MB  # of one that is neither a sheet nor the table of texts: it is read whole
MOST_CELLS = (
    5_000_000  # the gaps between them counted; 8 µs each, and 40 where a text stands in the cell itself
)
DEEPEST = 10_000  # elements in one another; a sheet has ten
SHEETS, TEXTS = "xl/worksheets/", "xl/sharedstrings.xml"
EXACT: Final = 10**15  # a spreadsheet keeps fifteen digits of a number
OUT_OF_MEMORY = 1  # expat's code
KINDS: Final[dict[str, type[str]]] = {"str": str, "Number": Number, "Moment": Moment}


class Workbook:
    """One sheet of a workbook; the first row that is not blank is the header."""

    def __init__(self, path: str, reading: Reading) -> None:
        """Opens it; raises UnreadableFile where it is no workbook, too large, or has no such sheet."""
        _check_size(path)
        self._rows = _guarded(_rows(path, reading.sheet))
        header = next((cells for cells in self._rows if _says_something(cells)), None)
        if header is None:
            raise UnreadableFile("The sheet is empty.", code="file_empty")
        names = names_of([cell_text(each) for each in header])
        self._width = max(at for at, name in enumerate(names, 1) if name)
        self._place = header_places(names[: self._width], reading)

    def records(self) -> Iterator[Numbered]:
        """The rows below the header in turn, counted as the spreadsheet program shows them; blank ones have numbers."""
        for number, cells in enumerate(self._rows, 1):
            if not _says_something(cells):
                yield number, b"", None
                continue
            record = self._record(cells)
            raw = {} if isinstance(record, RefusedRow) else record
            packed = {name: (type(cell).__name__, cell) for name, cell in raw.items()}
            yield number, json.dumps(packed).encode(), record

    def read(self, raw: bytes) -> Record:
        """What a row says that was read before."""
        return {name: KINDS[kind](cell) for name, (kind, cell) in json.loads(raw).items()}

    def _record(self, cells: Sequence[str]) -> Record:
        found = {ours: cells[at] if at < len(cells) else "" for ours, at in self._place.items()}
        if any(map(str.strip, cells[self._width :])):
            text = f"The row has cells beyond the header's {self._width}; give their column a name, or empty them."
            return RefusedRow(Code.SHAPE, text, order_ref=cell_text(found["order_ref"].strip()))
        return {ours: cell if type(cell) is not str else cell_text(cell) for ours, cell in found.items()}


def _says_something(cells: Sequence[str]) -> bool:
    return any(map(str.strip, cells))


def _check_size(path: str) -> None:
    with Path(path).open("rb") as file:
        head = file.read(8)
    if head == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise UnreadableFile(
            "The file is an old .xls, or has a password; save it as .xlsx without one.", code="xlsx_invalid"
        )
    try:
        with ZipFile(path) as archive:
            _check_parts(archive.infolist())
            for name in archive.namelist():
                if name.lower().lstrip("/").startswith((SHEETS, TEXTS)):
                    _check_part(archive, name)
    except (BadZipFile, zlib_error, OSError, RuntimeError, ValueError) as error:
        raise _unreadable() from error


def _check_parts(parts: Sequence[ZipInfo]) -> None:
    unfolded = sum(part.file_size for part in parts)
    small = [part.file_size for part in parts if part.filename.endswith((".xml", ".rels"))
             and not part.filename.lower().lstrip("/").startswith((SHEETS, TEXTS))]  # fmt: skip
    if len(parts) > MOST_PARTS or unfolded > MOST_UNFOLDED or max(small, default=0) > MOST_OF_A_PART:
        raise UnreadableFile(
            f"The workbook unfolds to {unfolded // MB:,} MB in {len(parts):,} parts, which is too much; split it, or "
            "save the sheet as CSV.",
            code="file_too_long",
        )


def _check_part(archive: ZipFile, name: str) -> None:
    """Refuse a part of too many cells, or of elements in elements without end: quickly counted, not quickly read."""
    cells = depth = 0
    with archive.open(name) as part:
        for piece in iter(lambda: part.read(MB), b""):
            cells += piece.count(b"<c")
            ends = piece.count(b"</")
            depth += (
                piece.count(b"<") - 2 * ends - piece.count(b"/>") - piece.count(b"<?") - piece.count(b"<!")
            )
            if depth > DEEPEST:
                raise _unreadable()
    if cells > MOST_CELLS:
        raise _too_many_cells()


def _unreadable() -> UnreadableFile:
    return UnreadableFile(
        "The file cannot be read as .xlsx; open it in a spreadsheet program and save it anew, or as CSV.",
        code="xlsx_invalid",
    )


def _guarded(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """The rows; whatever openpyxl meets in a file that is no workbook is the file's fault."""
    while True:
        try:
            with warnings.catch_warnings():  # around each row, since others run between two
                warnings.simplefilter("ignore")
                cells = next(rows, None)
        except (UnreadableFile, MemoryError):
            raise
        except ParseError as error:
            if error.code == OUT_OF_MEMORY:
                raise MemoryError from error
            raise _unreadable() from error
        except Exception as error:
            raise _unreadable() from error
        if cells is None:
            return
        yield cells


def _rows(path: str, sheet: str | None) -> Iterator[list[str]]:
    from openpyxl import load_workbook  # here, as readers of other files have no use for its 20 MB

    with Path(path).open("rb") as file:  # of a path it would want to know the ending
        chosen = _sheet(load_workbook(file, read_only=True, data_only=True, keep_links=False), sheet)
        chosen.reset_dimensions()  # what it says of its size may be wrong
        left = MOST_CELLS
        for cells in chosen.iter_rows():
            left -= max(1, len(cells))
            if left < 0:
                raise _too_many_cells()
            yield [_text(cell) for cell in cells]


def _too_many_cells() -> UnreadableFile:
    return UnreadableFile(
        f"The sheet has more than {MOST_CELLS:,} cells, the gaps between them counted; delete columns, or split it.",
        code="file_too_long",
    )


def _sheet(book: Any, name: str | None) -> Any:  # noqa: ANN401 - openpyxl has no types
    """The sheet of that name, else the first that is not hidden."""
    sheets = {cell_text(each.title): each for each in book.worksheets if hasattr(each, "reset_dimensions")}
    if not sheets:
        raise _unreadable()
    if name is None:
        found = [each for each in sheets.values() if each.sheet_state == "visible"] or [*sheets.values()]
    else:
        found = [each for title, each in sheets.items() if title == name]
    if not found:
        told = ", ".join(sheets)[:200]
        raise UnreadableFile(f"The workbook has no such sheet; it has {told}.", code="sheet_missing")
    return found[0]


def _text(cell: Any) -> str:  # noqa: ANN401 - openpyxl has no types
    value = cell.value
    if isinstance(value, str):
        return value
    read = READ.get(type(value))
    text = "" if read is None else read(value)
    if type(text) is Number and "%" in cell.number_format:  # 0.1 that is shown as 10 %
        return Number(format(Decimal(text) * 100, "f"))
    return text


def _number(value: float) -> str:
    """As the spreadsheet shows it: fifteen digits, so that 0.1 + 0.2 is 0.3."""
    if not isfinite(value):
        return str(value)
    number = Decimal(f"{value:.15g}")
    return f"{number:.14E}" if abs(number) >= EXACT else Number(format(number, "f"))


def _moment(value: date | time) -> str:
    return Moment(value.isoformat())


READ: dict[type, Callable[[Any], str]] = {
    bool: lambda value: "TRUE" if value else "FALSE",
    int: _number,
    float: _number,
    datetime: _moment,
    date: _moment,
    time: _moment,
}
