"""Workbooks (.xlsx): cells as what they are, and nothing in one that costs more than its size."""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.orders.imports.rules import FileOrder, UnreadableFile, read_orders, workbook
from tests.orders.imports.given_books import (
    CELLS,
    ENTITY,
    GOOD_CELLS,
    HEADER,
    LAUGHS,
    MAIN,
    book_of,
    packed,
    sheet_of,
)
from tests.orders.imports.given_files import CSV, only, orders_of, problems

MOMENT = datetime(2026, 3, 1, 10, 30)  # noqa: DTZ001 - as spreadsheets keep it
XLSX = replace(CSV, format="xlsx")
Read = Callable[..., list[FileOrder]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def orders(content: bytes, **options: Any) -> list[FileOrder]:
        return orders_of(tmp_path / "orders", content, replace(XLSX, **options))

    return orders


def good(ref: object = "A1", sku: object = "S1", quantity: object = 1, price: object = 1.5) -> list[object]:
    return [ref, sku, "Thing", quantity, price, "C1", MOMENT, "GB"]


def test_cells_are_what_they_are_whatever_the_options_say_of_texts(read: Read):
    rows = (
        [536365, 85123, "Čuček", 2, 2.55, 17850, MOMENT, "Österreich"],
        [536365, "0071", None, "1,5", 0.1 + 0.2, 17850, date(2026, 3, 1), None],
        [536365, "S3", "text", 1, "2,50", 17850, "01.03.2026", None],
    )

    order = only(read(book_of(*rows), decimal=",", date_format="%d.%m.%Y"))

    assert (order.order_ref, order.customer_ref) == ("536365", "17850")
    assert order.ordered_at == MOMENT.replace(tzinfo=UTC)
    assert [(r.sku, r.quantity, r.unit_price) for r in order.rows] == [
        ("85123", Decimal(2), Decimal("2.55")),
        ("0071", Decimal("1.5"), Decimal("0.3")),
        ("S3", Decimal(1), Decimal("2.5")),
    ]


def test_a_cell_shown_in_per_cent_is_that_many_per_cent(read: Read):
    def in_per_cent(book: Any) -> None:
        book.active["D2"].number_format = "0.00%"

    names = ("order_ref", "sku", "quantity", "discount_percent", "customer_ref")
    content = book_of(
        ["A1", "S1", 1, 0.125, "C1"], ["A1", "S2", 1, 5, "C1"], ["A1", "S3", 1, "7.5 %", "C1"],
        header=names, change=in_per_cent,
    )  # fmt: skip

    assert [r.discount_percent for r in only(read(content)).rows] == [Decimal("12.5"), 5, Decimal("7.5")]


def test_a_formula_is_what_it_last_came_to_and_nothing_without_that(read: Read):
    row = '<row><c t="str"><f>A1</f><v>A1</v></c><c t="inlineStr"><is><t>S1</t></is></c><c/>{}<c><v>1</v></c>' \
          '<c t="inlineStr"><is><t>C1</t></is></c></row>'  # fmt: skip
    known, unknown = "<c><f>1+1</f><v>2</v></c>", "<c><f>1+1</f></c>"

    assert only(read(packed(sheet_of(row.format(known))))).rows[0].quantity == 2
    assert problems(read(packed(sheet_of(row.format(unknown))))) == {1: ("A1", "quantity_invalid")}


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (1234567890123456789, "reference_mangled"),
        (1.23457e19, "reference_mangled"),
        ("1.23457E+11", "reference_mangled"),
        ("#REF!", "reference_mangled"),
        (123457000000, None),
        (True, None),
        (12.5, None),
    ],
)
def test_a_reference_whose_digits_are_lost_is_refused(read: Read, cell: object, code: str | None):
    orders = read(book_of(good(ref=cell)))

    assert [p.code for o in orders for p in o.problems] == ([code] if code else [])


def test_blank_rows_blank_columns_and_short_rows_are_nothing_and_cells_without_a_name_are_refused(read: Read):
    rows = [
        good("A1"),
        [None] * 8,
        ["", " ", None],
        good("A2")[:6],
        [*good("A3"), None, " "],
        [*good("A4"), "more"],
    ]

    orders = read(book_of(*rows))

    assert [(o.order_ref, o.numbers, bool(o.problems)) for o in orders] == [
        ("A1", [1], False), ("A2", [4], False), ("A3", [5], False), ("A4", [6], True),
    ]  # fmt: skip
    assert problems(orders) == {6: ("A4", "row_shape")}


def test_the_sheet_is_the_one_that_is_named_or_the_first_that_is_seen(read: Read):
    def more_sheets(book: Any) -> None:
        book.active.title, book.active.sheet_state = "Notes", "hidden"
        for name, ref in (("Orders", "B1"), ("Café", "B2")):
            sheet = book.create_sheet(name)
            sheet.append(list(HEADER))
            sheet.append(good(ref))

    content = book_of(good("A1"), change=more_sheets)

    assert only(read(content)).order_ref == "B1"
    assert only(read(content, sheet="Café")).order_ref == "B2"
    assert only(read(content, sheet="Notes")).order_ref == "A1"
    with pytest.raises(UnreadableFile, match="it has Notes, Orders, Café") as refused:
        read(content, sheet="Other")
    assert refused.value.code == "sheet_missing"


def test_merged_and_hidden_cells_and_other_furniture_are_read_over(read: Read):
    def furnish(book: Any) -> None:
        sheet = book.active
        sheet.merge_cells("C2:C3")
        sheet.row_dimensions[3].hidden = True
        sheet.column_dimensions["E"].hidden = True
        sheet.auto_filter.ref = "A1:H3"
        sheet.freeze_panes = "A2"

    order = only(read(book_of(good("A1"), good("A1", "S2"), change=furnish)))

    assert [(r.sku, r.description) for r in order.rows] == [("S1", "Thing"), ("S2", "")]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "xlsx_invalid"),
        (b"order_ref,sku,quantity\n", "xlsx_invalid"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "xlsx_invalid"),
        (b"PK\x03\x04" + b"\0" * 60, "xlsx_invalid"),
        (book_of(good())[:-100], "xlsx_invalid"),
        (packed("<worksheet"), "xlsx_invalid"),
        (packed(sheet_of("<row><c><v>x</v></c></row>")), "xlsx_invalid"),
        (packed(sheet_of(""), workbook_xml="<html/>"), "xlsx_invalid"),
        (packed(f"<worksheet {MAIN}><sheetData/></worksheet>"), "file_empty"),
        (book_of(), "file_empty"),
        (book_of(header=("order_ref", "sku")), "column_missing"),
        (book_of(good(), header=(*HEADER[:-1], "sku")), "column_twice"),
    ],
)
def test_what_is_no_workbook_with_our_columns_is_refused_as_a_whole(read: Read, content: bytes, code: str):
    with pytest.raises(UnreadableFile) as refused:
        read(content)

    assert refused.value.code == code


@pytest.mark.parametrize(
    ("head", "name"), [(LAUGHS, "n"), (ENTITY.format('<!ENTITY n SYSTEM "file:///etc/passwd">'), "n")]
)
@pytest.mark.parametrize("part", ["sheet", "strings"])
def test_entities_are_not_resolved(read: Read, head: str, name: str, part: str):
    row = f"<row>{GOOD_CELLS.replace('<t>x</t>', f'<t>&{name};</t>')}</row>"
    content = packed(sheet_of(row, head=head)) if part == "sheet" else packed(
        sheet_of(f'<row>{GOOD_CELLS}</row>'),
        sharedStrings_xml=f"{head}<sst {MAIN}><si><t>&{name};</t></si></sst>",
    )  # fmt: skip

    with pytest.raises(UnreadableFile) as refused:
        read(content)

    assert refused.value.code == "xlsx_invalid"


def test_what_a_workbook_unfolds_to_is_counted_before_it_is_read(read: Read, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workbook, "MOST_UNFOLDED", 1_000_000)
    content = packed(sheet_of("<row/>" * 300_000))
    assert len(content) < 50_000

    with pytest.raises(UnreadableFile, match="unfolds to") as refused:
        read(content)

    assert refused.value.code == "file_too_long"


@pytest.mark.parametrize(
    "rows",
    [
        "<row>" + "<c/>" * 3000 + "</row>",
        "<row><c/><c/></row>" * 1500,
        "<row/>" * 3001,
        '<row r="3"><c r="ZZZ3"/></row>',
        '<row r="1048576"><c r="A1048576"/></row>',
        '<row r="999999999999"><c/></row>',
    ],
    ids=["one row", "many rows", "no cells", "far to the right", "far below", "beyond any sheet"],
)
def test_cells_are_counted_with_the_gaps_between_them(read: Read, monkeypatch: pytest.MonkeyPatch, rows: str):
    monkeypatch.setattr(workbook, "MOST_CELLS", 3000)

    with pytest.raises(UnreadableFile) as refused:
        read(packed(sheet_of(rows)))

    assert refused.value.code == "file_too_long"


def test_what_a_sheet_says_of_its_size_is_not_believed(read: Read):
    content = packed(sheet_of(f"<row>{GOOD_CELLS}</row>", before='<dimension ref="A1:XFD1048576"/>'))

    assert only(read(content)).order_ref == "G1"


HOSTILE = {
    "rows without cells": "<row/>",
    "empty cells": "<row><c/><c/><c/></row>",
    "one row of cells": "<c/>",
    "deep elements": "<a>",
    "long numbers": "<row><c><v>1234567</v></c></row>",
    "short rows": f"<row>{GOOD_CELLS}</row>",
    "unknown elements": "<x y='1'/>",
}


@pytest.fixture
def small_heap() -> Iterator[None]:
    """The collector looks at new objects alone, as in the small process that reads files: this one has many others."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("small_heap")
@pytest.mark.parametrize("kind", HOSTILE)
def test_the_time_to_read_a_workbook_grows_with_its_size_alone(tmp_path: Path, kind: str):
    def cpu_seconds(size: int) -> float:
        rows = HOSTILE[kind] * (size // len(HOSTILE[kind]))
        rows = f"<row>{rows}</row>" if kind == "one row of cells" else rows
        (tmp_path / "f").write_bytes(packed(sheet_of(rows)))
        taken = []
        for _ in range(2):
            before = time.process_time()
            with suppress(UnreadableFile):
                list(read_orders(str(tmp_path / "f"), XLSX, 10_000_000))
            taken.append(time.process_time() - before)
        return min(taken)

    cpu_seconds(1_000)  # openpyxl is loaded
    unit = (
        400_000 if kind == "deep elements" else 100_000
    )  # what is deep leaves the processor's cache at first
    small, large = cpu_seconds(unit), cpu_seconds(4 * unit)

    assert large <= 8 * max(small, 0.001)


def test_texts_that_are_shared_are_read(read: Read):
    strings = f"<sst {MAIN}>" + "".join(f"<si><t>{name}</t></si>" for name in ("G1", "S1")) + "</sst>"
    row = GOOD_CELLS.replace('<c t="inlineStr"><is><t>G1</t></is></c>', '<c t="s"><v>0</v></c>')
    content = packed(sheet_of(f"<row>{row}</row>"), sharedStrings_xml=strings)

    assert only(read(content)).order_ref == "G1"
    assert CELLS
