"""The table of what was sold: one row a line, its columns adding up to the totals below.

Net prices: unit price × quantity − discount = net amount, and these sum to the net total. Prices that include tax: the
same with tax in each of them, and the amounts sum to the total with tax.
"""

from __future__ import annotations

from services.billing.documents.content import DocumentLine
from services.billing.documents.wording import Wording
from shared.paper.sheet import Sheet
from shared.paper.table import Column, Table
from shared.paper.units import unit_name


def draw_lines(sheet: Sheet, wording: Wording) -> None:
    """Draw every line of the document, with the heading at the top of each page it reaches."""
    words, content = wording.words, wording.content
    gross = content.prices == "gross"
    discounted = any(line.discount for line in content.lines)
    columns = [
        Column(words.position, 8),
        Column(words.description, side="L"),
        Column(words.quantity, 18),
        Column(wording.say(words.unit_price_with_tax if gross else words.unit_price), 24),
        Column(words.discount, 19),
        Column(wording.tax, 12),
        Column(wording.say(words.amount_with_tax if gross else words.amount), 26),
    ]
    shown = [column for column in columns if discounted or column.heading != words.discount]
    table = Table(sheet, shown)
    with table.carried():
        for position, line in enumerate(content.lines, start=1):
            cells = _cells(wording, position, line)
            table.row(cells if discounted else [*cells[:4], *cells[5:]])


def _cells(wording: Wording, position: int, line: DocumentLine) -> list[str]:
    figures, decimals = wording.figures, wording.content.decimals
    return [
        str(position),
        line.description,
        " ".join(filter(None, (figures.exact(line.quantity), unit_name(line.unit, wording.words.units)))),
        figures.exact(line.unit_price, decimals),
        wording.amount(-line.discount) if line.discount else "",
        figures.percent(line.tax_rate),
        wording.amount(line.gross if wording.content.prices == "gross" else line.net),
    ]
