"""The table of what was sold: one row a line, its heading repeated on each page, long texts wrapped."""

from __future__ import annotations

from typing import NamedTuple

from services.billing.documents.content import DocumentContent, DocumentLine
from services.billing.documents.figures import grouped, grouped_price, plain
from services.billing.documents.sheet import ACCENT, INK, MARGIN, QUIET, WIDTH, Sheet, Side

_SIZE = 8.5
_STEP = 4.4  # height of one text line
_PAD = 1.3  # above and below a row's text


class _Column(NamedTuple):
    heading: str
    x: float
    width: float
    side: Side


_DESCRIPTION = _Column("Description", MARGIN + 3, 74.0, "L")
_FIGURES = (
    _Column("Quantity", MARGIN + 79, 21.0, "R"),
    _Column("Unit price", MARGIN + 102, 27.0, "R"),
    _Column("Tax", MARGIN + 131, 13.0, "R"),
    _Column("Net amount", MARGIN + 146, WIDTH - 149, "R"),
)


def draw_lines(sheet: Sheet, content: DocumentContent) -> None:
    """Draw every line of the document, with the heading at the top of each page it reaches."""
    _heading(sheet)
    sheet.on_new_page = lambda: _heading(sheet)
    for line in content.lines:
        _row(sheet, line, content.decimals)
    sheet.on_new_page = None


def _heading(sheet: Sheet) -> None:
    sheet.shade(MARGIN, WIDTH, 7, colour=ACCENT)
    sheet.style(_SIZE, bold=True, colour=(255, 255, 255))
    for column in (_DESCRIPTION, *_FIGURES):
        sheet.put(column.x, column.width, column.heading, side=column.side, height=7)
    sheet.down(7)


def _row(sheet: Sheet, line: DocumentLine, decimals: int) -> None:
    sheet.style(_SIZE)
    texts = sheet.wrap(line.description, _DESCRIPTION.width)
    height = len(texts) * _STEP + 2 * _PAD + (_STEP if line.discount else 0)
    sheet.need(min(height, 8 * _STEP))  # short rows stay whole, long ones begin with a few lines
    sheet.down(_PAD)
    for column, text in zip(_FIGURES, _figures(line, decimals), strict=True):
        sheet.put(column.x, column.width, text, side=column.side, height=_STEP)
    for text in texts:
        sheet.need(_STEP)
        sheet.put(_DESCRIPTION.x, _DESCRIPTION.width, text, height=_STEP)
        sheet.down(_STEP)
    if line.discount:
        sheet.need(_STEP)
        discount = f"Discount {grouped(-line.discount, decimals)}"
        sheet.style(_SIZE - 1, colour=QUIET)
        sheet.put(_DESCRIPTION.x, _DESCRIPTION.width, discount, height=_STEP)
        sheet.down(_STEP)
    sheet.down(_PAD)
    sheet.rule(MARGIN, WIDTH)
    sheet.style(_SIZE, colour=INK)


def _figures(line: DocumentLine, decimals: int) -> tuple[str, ...]:
    return (
        plain(line.quantity),
        grouped_price(line.unit_price, decimals),
        f"{plain(line.tax_rate)} %",
        grouped(line.net, decimals),
    )
