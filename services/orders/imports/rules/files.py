"""A file read whole and handed on in steps: its rows sorted by their orders, which need not stand together in it.

Runs in a process of its own (`shared.base.side_process`): a file may be made to cost as much as it can.
"""

import sys
from array import array
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import groupby

from services.orders.imports.rules.heads import check_head
from services.orders.imports.rules.json_lines import JsonLines
from services.orders.imports.rules.lines import lines_of, open_text
from services.orders.imports.rules.model import (
    MAX_ROWS_PER_ORDER,
    FileOrder,
    Problem,
    Reading,
    RefusedRow,
    Step,
    UnreadableFile,
)
from services.orders.imports.rules.orders import (
    add_row,
    order_ref_of,
    refuse_rest,
    refuse_too_many,
)
from services.orders.imports.rules.records import CsvFile, Numbered, RecordFile
from services.orders.imports.rules.workbook import Workbook

ROWS_PER_STEP = 1_000  # that are refused
TAKING = 5  # a row that is to be taken is as much work as so many that are refused


@dataclass(slots=True)
class _Shelf:
    """A file's rows as they came, and the place of each row's order among the orders (0: of none)."""

    rows: list[bytes | Problem] = field(default_factory=list)
    numbers: "array[int]" = field(default_factory=lambda: array("Q"))
    order_of: "array[int]" = field(default_factory=lambda: array("Q"))
    places: dict[str, int] = field(default_factory=lambda: {"": 0})


def read_orders(path: str, reading: Reading, most_rows: int) -> Generator[Step, None, None]:
    """The file's orders in order of appearance, rows that belong to none before them.

    Raises UnreadableFile before the first step when no row can be told from another, or there are too many of them.
    """
    with _opened(path, reading) as file:
        shelf = _shelve(file.records(), most_rows)
    if not shelf.rows:
        raise UnreadableFile("The file has no rows.", code="file_empty")
    yield from _steps(_orders(shelf, file, reading), len(shelf.rows))


@contextmanager
def _opened(path: str, reading: Reading) -> Iterator[RecordFile]:
    if reading.format == "xlsx":
        yield Workbook(path, reading)
        return
    with closing(open_text(path, reading)) as text:
        yield (JsonLines if reading.format == "jsonl" else CsvFile)(lines_of(text), reading)


def _shelve(records: Iterable[Numbered], most_rows: int) -> _Shelf:
    """Keep the rows in little more room than they have in the file."""
    shelf = _Shelf()
    for seen, (number, raw, record) in enumerate(records, 1):
        if seen > most_rows:
            raise UnreadableFile(
                f"The file has more than {most_rows:,} rows, empty ones counted, which is the most for these options; "
                "split it.",
                code="file_too_long",
            )
        if record is None:
            continue
        ref = order_ref_of(record)
        if isinstance(record, RefusedRow):
            shelf.rows.append(Problem(number, record.code, sys.intern(record.message), ref or None))
        else:
            shelf.rows.append(raw)
        shelf.numbers.append(number)
        shelf.order_of.append(shelf.places.setdefault(ref, len(shelf.places)))
    return shelf


def _orders(shelf: _Shelf, file: RecordFile, reading: Reading) -> Iterator[FileOrder]:
    """The orders one after the other, each judged as a whole."""
    refs = list(shelf.places)
    of = shelf.order_of.__getitem__
    for place, rows in groupby(sorted(range(len(shelf.rows)), key=of), key=of):
        yield from _parts(refs[place], list(rows), shelf, file, reading)


def _parts(
    ref: str, which: Sequence[int], shelf: _Shelf, file: RecordFile, reading: Reading
) -> Iterator[FileOrder]:
    """One order, of these rows on the shelf; one that is too large in several parts."""
    order = FileOrder(ref)
    for at in range(0, len(which), MAX_ROWS_PER_ORDER):
        if at:
            order = FileOrder(ref, order.customer_ref, order.ordered_at, dict(order.head), continued=True)
        for n in which[at : at + MAX_ROWS_PER_ORDER]:
            row = shelf.rows[n]
            if isinstance(row, Problem):
                order.numbers.append(row.row)
                order.problems.append(row)
            else:
                add_row(order, shelf.numbers[n], file.read(row), reading)
        if ref and len(which) > MAX_ROWS_PER_ORDER:
            refuse_too_many(order)
        elif ref and not order.problems:
            check_head(order, reading)
        if order.problems:
            refuse_rest(order)
        yield order


def _steps(orders: Iterable[FileOrder], rows_total: int) -> Iterator[Step]:
    """The orders in steps of about as much work, none of more than `ROWS_PER_STEP` rows."""
    step, rows, work = Step(rows_total), 0, 0
    for order in orders:
        more = len(order.numbers)
        if step.orders and (rows + more > ROWS_PER_STEP or work >= ROWS_PER_STEP):
            yield step
            step, rows, work = Step(rows_total), 0, 0
        step.orders.append(order)
        rows += more
        work += more * (1 if order.problems else TAKING)
    yield step
