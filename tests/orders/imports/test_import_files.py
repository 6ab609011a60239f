"""Files read row by row: what each row says, whatever the others hold, and in time that grows with the size alone."""

import csv
import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orders.imports.rules import FileOrder, Reading, UnreadableFile, read_orders
from services.orders.imports.rules.lines import lines_of, open_text
from services.orders.imports.rules.model import MAX_RECORD, RefusedRow
from services.orders.imports.rules.splitting import split_records
from tests.orders.imports.given_files import CSV, orders_of, problems

HEADER = b"order_ref,sku,description,quantity,unit_price,customer_ref,ordered_at,country\n"
JSONL = replace(CSV, format="jsonl")


def row(ref: str = "A1", sku: str = "S1", customer: str = "C1") -> bytes:
    return f"{ref},{sku},Thing,2,1.50,{customer},,GB\n".encode()


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., list[FileOrder]]:
    return partial(orders_of, tmp_path / "orders")


def split_before(text: str) -> Iterator[list[str] | str]:
    """How files were split when each open quote had the lines behind it read again, but for one thing.

    A line that could not be split then ended the record, with all the good rows in between; now it closes no quote.
    """
    lines = list(io.StringIO(text, newline=""))
    at = 0
    while at < len(lines):
        record, end = lines[at], at
        cells = cells_before(record)
        while cells == "quote_unclosed" and end + 1 < len(lines) and end - at < 50:
            end += 1
            record += lines[end]
            cells = cells_before(record)
        if end > at and isinstance(cells, str):
            cells = "quote_unclosed"
        yield cells
        at = (at if cells == "quote_unclosed" else end) + 1


def cells_before(record: str) -> list[str] | str:
    try:
        return next(csv.reader([record], strict=True), [])
    except csv.Error as error:
        return "quote_unclosed" if "unexpected end of data" in str(error) else "row_shape"


def split_now(text: str) -> Iterator[list[str] | str]:
    for _, cells in split_records(lines_of(io.StringIO(text, newline=""))):
        yield str(cells.code) if isinstance(cells, RefusedRow) else cells


def written(rows: list[list[str]], quoting: int) -> str:
    text = io.StringIO()
    csv.writer(text, quoting=quoting).writerows(rows)
    return text.getvalue()


cell = st.text(st.sampled_from('ab",;é\n\r\t '), max_size=6)
well_formed = st.builds(
    written, st.lists(st.lists(cell, min_size=1, max_size=4)), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
)  # fmt: skip


@given(well_formed)
def test_a_well_formed_file_is_split_as_it_was_before(text: str):
    assert list(split_now(text)) == list(split_before(text))


@given(well_formed, st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(['"', "", "\n", '"\n', ","]))))
def test_a_file_with_faults_is_split_as_it_was_before(text: str, faults: list[tuple[int, str]]):
    for at, fault in faults:  # one character becomes another, or none
        at %= len(text) + 1
        text = text[:at] + fault + text[at + 1 :]
    assert list(split_now(text)) == list(split_before(text))


@given(st.text(st.sampled_from('a",\n\r'), max_size=300))
def test_any_mixture_of_what_matters_is_split_as_it_was_before(text: str):
    assert list(split_now(text)) == list(split_before(text))


@pytest.mark.parametrize("lines", [48, 49, 50, 51, 52, 120])
def test_a_cell_may_span_fifty_further_lines_and_a_longer_one_refuses_its_first_line_only(lines: int):
    text = 'a,"b\n' + "inside\n" * (lines - 1) + 'c"\nnext,row\n'

    assert list(split_now(text)) == list(split_before(text))


@given(
    st.lists(st.sampled_from([b"a", b"\xe9", b"\xf0\x9f\x98\x80", b"\r", b"\n", b"\r\n", b"\xff", b"\x9d"])),
    st.sampled_from(["utf-8", "latin-1", "windows-1252"]),
    st.integers(8180, 8194),
)
def test_lines_do_not_depend_on_the_pieces_they_are_read_in(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], encoding: str, start: int
):
    path = tmp_path_factory.getbasetemp() / "lines"
    content = b"x" * start + b"".join(parts)
    path.write_bytes(content)

    with open_text(str(path), replace(CSV, encoding=encoding)) as text:
        found = list(lines_of(text))

    assert found == list(io.StringIO(content.decode(encoding, "surrogateescape"), newline=""))


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize(
    "length", [MAX_RECORD - 1, MAX_RECORD, MAX_RECORD + 1, 2 * MAX_RECORD + 1, 5_000_000]
)
def test_a_row_that_is_too_long_is_one_row_wherever_it_is_cut(length: int, end: str):
    found = list(split_now("a" * length + end + "b,c" + end))

    assert len(found) == 2
    assert found[1] == ["b", "c"]
    assert (found[0] == "cell_too_long") == (length + len(end) > MAX_RECORD)


def test_rows_of_one_order_need_not_stand_together(read: Callable[..., list[FileOrder]]):
    orders = read(HEADER + row("A1") + row("A2") + b",S1,,1,,C1,,\n" + row("A1", "S2") + row("A2", "S3"))

    assert [(o.order_ref, [r.sku for r in o.rows], o.numbers) for o in orders] == [
        ("", [], [3]),
        ("A1", ["S1", "S2"], [1, 4]),
        ("A2", ["S1", "S3"], [2, 5]),
    ]


def test_a_row_that_cannot_be_split_refuses_the_order_that_it_names(read: Callable[..., list[FileOrder]]):
    """Else its order went in without it."""
    orders = read(
        HEADER
        + b'A1,S1,"open quote,1,1.00,C1,,GB\n'
        + row("A1")
        + b'"A2",S1,"odd" quote,1,1.00,C1,,GB\n'
        + row("A2")
        + b"A3,S1," + b"x" * 2_000_000 + b",1,1.00,C1,,GB\n"
        + row("A3")
        + b'"A4\n'
        + row("A4")
    )  # fmt: skip

    assert problems(orders) == {
        1: ("A1", "quote_unclosed"),
        2: ("A1", "order_refused"),
        3: ("A2", "row_shape"),
        4: ("A2", "order_refused"),
        5: ("A3", "cell_too_long"),
        6: ("A3", "order_refused"),
        7: (None, "quote_unclosed"),
    }
    assert [o.order_ref for o in orders if o.rows] == ["A4"]


def test_where_all_cells_have_quotes_one_that_is_left_open_refuses_its_own_row_only(
    read: Callable[..., list[FileOrder]],
):
    quoted = [b'"%s","S1","","1","1.00","C1","","GB"\n' % ref for ref in (b"A1", b"A2", b"A3", b"A4")]
    quoted[1] = quoted[1].replace(b'"GB"', b'"GB')

    orders = read(HEADER + b"".join(quoted))

    assert problems(orders) == {2: ("A2", "quote_unclosed")}
    assert [o.order_ref for o in orders if o.rows] == ["A1", "A3", "A4"]


def test_empty_rows_have_numbers_and_are_no_rows(read: Callable[..., list[FileOrder]]):
    assert [o.numbers for o in read(HEADER + b"\n" + row("A1") + b"\r\n\n" + row("A2"))] == [[2], [5]]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"A\x001,S1\n", (None, "row_shape")),
        (b"A1,S1,caf\xe9,1,1.00,C1,,GB\n", ("A1", "encoding_invalid")),
        (b"A\xe9,S1,,1,1.00,C1,,GB\n", (None, "encoding_invalid")),
        (b"A1,S1,a\x00b,1,1.00,C1,,GB\n", ("A1", "text_invalid")),
        (b"A1,S1,,1111111111111111111111111111111111111111,1.00,C1,,GB\n", ("A1", "quantity_invalid")),
        (b"A1,S1,,1,1111111111111111111111111111111111111111,C1,,GB\n", ("A1", "price_invalid")),
        (b"A1,S1,,1,1.00,C1,,GB,,\n", ("A1", "row_shape")),
    ],
)
def test_a_bad_row_is_refused_by_itself(
    read: Callable[..., list[FileOrder]], line: bytes, code: tuple[str | None, str]
):
    orders = read(HEADER + line + row("G1"))

    assert problems(orders) == {1: code}
    assert [o.order_ref for o in orders if o.rows] == ["G1"]


@pytest.mark.parametrize("broken", [b"A", b"\x00\xd8", b"\x00\xdcA"])
def test_a_file_in_utf_16_is_read_to_its_broken_end(read: Callable[..., list[FileOrder]], broken: bytes):
    content = (HEADER + row("A1")).decode().encode("utf-16") + "A2,".encode("utf-16-le") + broken

    orders = read(content)

    assert [(o.order_ref, bool(o.problems)) for o in orders] == [("A1", False), ("A2", True)]


def test_json_lines_of_any_kind_are_rows_of_their_own(read: Callable[..., list[FileOrder]]):
    good = json.dumps({"order_ref": "J1", "sku": "S1", "quantity": 1, "customer_ref": "C1"}).encode()
    lines = [
        good,
        b"[" * 150_000,
        b"{" * 300_000,
        b"\xff\xfe",
        b"",
        b'{"order_ref": "J2", "sku": []}',
        b"[1]",
        b"\0",
    ]

    orders = read(b"\r\n".join(lines), JSONL)

    assert [o.order_ref for o in orders if o.rows] == ["J1"]
    assert problems(orders) == {
        2: (None, "json_invalid"),
        3: (None, "cell_too_long"),
        4: (None, "encoding_invalid"),
        5: ("J2", "json_invalid"),
        6: (None, "json_invalid"),
        7: (None, "json_invalid"),
    }


def test_an_order_of_too_many_rows_is_refused_in_parts_that_count_once(read: Callable[..., list[FileOrder]]):
    orders = read(HEADER + row("A1") * 1200 + b"A1,S1\n" + row("A1") * 1300 + row("A2") * 1000)

    assert [(o.order_ref, len(o.numbers), o.counts) for o in orders] == [
        ("A1", 1000, True), ("A1", 1000, False), ("A1", 501, False), ("A2", 1000, True)
    ]  # fmt: skip
    codes = {number: code for number, (_, code) in problems(orders).items()}
    assert len(codes) == 2501
    assert (codes[1], codes[2], codes[1201], codes[2501]) == (
        "too_many_rows", "order_refused", "row_shape", "order_refused"
    )  # fmt: skip


def test_a_step_has_at_most_a_thousand_rows_and_fewer_that_are_to_be_taken(tmp_path: Path):
    path = tmp_path / "orders"
    content = (
        b"".join(row(f"A{n // 3}") for n in range(3000))
        + b"x\n" * 2500
        + b"".join(b"y%d\n" % n for n in range(5000))
    )
    path.write_bytes(HEADER + content)

    steps = list(read_orders(str(path), CSV, 1_000_000))

    assert {step.rows_total for step in steps} == {10_500}
    sizes = [sum(len(o.numbers) for o in step.orders) for step in steps]
    assert sum(sizes) == 10_500
    assert max(sizes) <= 1000
    assert max(sum(len(o.rows) for o in step.orders) for step in steps) <= 202


@pytest.mark.parametrize("empty", [b"", b"\n"])
def test_a_file_of_too_many_rows_is_refused_as_a_whole(read: Callable[..., list[FileOrder]], empty: bytes):
    assert len(read(HEADER + (row() + empty) * 3, most=6)) == 1
    with pytest.raises(UnreadableFile, match="more than 6 rows") as refused:
        read(HEADER + (row() + empty) * 7, most=6)
    assert refused.value.code == "file_too_long"


HOSTILE = {
    "quotes that stay open": b'A1,S1,"open quote,1,1.00,C1,,GB\n',
    "one quote in front of all": b"x" * 40 + b"\n",
    "quotes that open and close": b'a,"b\nc","d\n',
    "quotes alone": b'"\n',
    "doubled quotes": b'""""""""""""\n',
    "short rows": b"x\n",
    "commas": b",,,,,,,,,,,,,\n",
    "no line end at all": b'A"",',
    "carriage returns": b"a\r",
    "bytes of no encoding": b"\xff\xfe\xc0,\n",
}


def cpu_seconds(path: Path, reading: Reading, content: bytes) -> float:
    path.write_bytes(content)
    taken = []
    for _ in range(3):
        before = time.process_time()
        with suppress(UnreadableFile):
            for _ in read_orders(str(path), reading, 10_000_000):
                pass
        taken.append(time.process_time() - before)
    return min(taken)


@pytest.mark.parametrize("kind", HOSTILE)
def test_the_time_to_read_a_file_grows_with_its_size_alone(tmp_path: Path, kind: str):
    start = HEADER + (b'"' if kind.startswith("one quote") else b"")
    small, large = (
        cpu_seconds(tmp_path / "f", CSV, start + HOSTILE[kind] * (size // len(HOSTILE[kind])))
        for size in (16_000, 64_000)
    )

    assert large <= 8 * max(small, 0.001)


@pytest.mark.parametrize(
    "unit", [b"[", b'{"a":', b'{"order_ref": "A1", "sku": [[[[[[]]]]]]}\n', b"[],", b"\0\n"]
)
def test_the_time_to_read_json_lines_grows_with_their_size_alone(tmp_path: Path, unit: bytes):
    small, large = (
        cpu_seconds(tmp_path / "f", JSONL, unit * (size // len(unit))) for size in (16_000, 64_000)
    )

    assert large <= 8 * max(small, 0.001)
