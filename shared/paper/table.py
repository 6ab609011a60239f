"""A table that goes on over pages: its heading repeated on each, one column of long texts wrapped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from shared.paper.bidi import reads_from_right
from shared.paper.sheet import ACCENT, INK, MARGIN, QUIET, SHADE, WHITE, WIDTH, Sheet, Side

GAP: Final = 2.0  # between columns, and at both edges
STEP: Final = 4.3  # height of one text line
_PAD: Final = 1.4  # above and below a row's text
_SIZE: Final = 8.5
_SMALL: Final = 8.0


@dataclass(frozen=True, slots=True)
class Column:
    """A column: what stands above it, how wide it is (0: what the others leave), and on which side its texts are."""

    heading: str
    width: float = 0.0
    side: Side = "R"


class Table:
    """Rows of cells under a heading. The one column without a width wraps; other cells are made to fit."""

    def __init__(self, sheet: Sheet, columns: Sequence[Column], *, quiet: bool = False) -> None:
        """`quiet`: a table that only explains another one, smaller and under a pale heading."""
        self._sheet, self._quiet, self._size = sheet, quiet, _SMALL if quiet else _SIZE
        free = WIDTH - sum(column.width for column in columns) - GAP * (len(columns) + 1)
        self._places: list[tuple[Column, float, float]] = []
        x = MARGIN + GAP
        for column in columns:
            width = column.width or free
            self._places.append((column, x, width))
            x += width + GAP

    @contextmanager
    def carried(self) -> Iterator[None]:
        """The heading now, and again at the top of each page that the rows reach."""
        self._heading()
        self._sheet.on_new_page = self._heading
        yield
        self._sheet.on_new_page = None

    def _heading(self) -> None:
        sheet = self._sheet
        sheet.style(self._size, bold=True, colour=QUIET if self._quiet else WHITE)
        headings = [sheet.wrap(column.heading, width) for column, _, width in self._places]
        lines = max(len(each) for each in headings)
        height = lines * (STEP - 0.5) + 3
        sheet.need(height + 3 * STEP)
        sheet.shade(MARGIN, WIDTH, height, colour=SHADE if self._quiet else ACCENT)
        top = sheet.get_y()
        for (column, x, width), each in zip(self._places, headings, strict=True):
            sheet.set_y(top + 1.5 + (lines - len(each)) * (STEP - 0.5))
            for text in each:
                sheet.put(x, width, text, side=column.side, height=STEP - 0.5, from_right=False)
                sheet.down(STEP - 0.5)
        sheet.set_y(top + height)

    def row(self, cells: Sequence[str], *, small: str = "", bold: bool = False) -> None:
        """A row; `small` is printed small under the wrapped cell's text."""
        sheet = self._sheet
        sheet.style(self._size, bold=bold)
        wrapped = next(place for place, (column, _, _) in enumerate(self._places) if not column.width)
        _, left, wide = self._places[wrapped]
        texts = [
            (line, turned)
            for part in cells[wrapped].split("\n")
            for turned in [reads_from_right(part)]
            for line in sheet.wrap(part, wide)
        ]
        sheet.style(self._size - 1)
        below = sheet.wrap(small, wide) if small else []
        height = (len(texts) + len(below)) * STEP + 2 * _PAD
        sheet.need(min(height, 8 * STEP))  # short rows stay whole, long ones begin with a few lines
        sheet.down(_PAD)
        top, whole = sheet.get_y(), sheet.room() >= height - _PAD
        self._cells(cells, range(wrapped if whole else len(cells)), wrapped, bold=bold)
        for text, turned in texts:
            self._line(left, wide, text, turned=turned)
        sheet.style(self._size - 1, colour=QUIET)
        for text in below:
            self._line(left, wide, text)
        if whole:  # a reader of the text finds the cells in their order
            end = sheet.get_y()
            sheet.set_y(top)
            self._cells(cells, range(wrapped, len(cells)), wrapped, bold=bold)
            sheet.set_y(end)
        sheet.down(_PAD)
        sheet.rule(MARGIN, WIDTH)
        sheet.style(self._size, colour=INK)

    def _cells(self, cells: Sequence[str], places: range, wrapped: int, *, bold: bool) -> None:
        """Cells of one line at the current height, but the wrapped one."""
        self._sheet.style(self._size, bold=bold)
        for place in places:
            column, x, width = self._places[place]
            if place != wrapped:
                self._sheet.put(x, width, cells[place], side=column.side, height=STEP)

    def _line(self, x: float, width: float, text: str, *, turned: bool = False) -> None:
        self._sheet.need(STEP)
        self._sheet.put(x, width, text, height=STEP, from_right=turned)
        self._sheet.down(STEP)
