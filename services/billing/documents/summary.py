"""What the lines come to: totals, what is due, and the tax by rate with the reason where there is none."""

from __future__ import annotations

from decimal import Decimal

from services.billing.documents.rules import merged_breakdown
from services.billing.documents.wording import Wording
from shared.paper.sheet import ACCENT, INK, MARGIN, QUIET, WHITE, WIDTH, Sheet
from shared.paper.table import GAP, Column, Table

_W = 84.0
_X = MARGIN + WIDTH - _W
_STEP = 5.5


def draw_totals(sheet: Sheet, wording: Wording) -> None:
    """The totals at the right under the lines' amounts."""
    words, content = wording.words, wording.content
    rows = _rows(wording)
    sheet.need(_STEP * len(rows) + 18)
    sheet.down(2.5)
    for label, value, strong in rows:
        sheet.style(9.5, bold=strong, colour=INK)
        _pair(sheet, label, wording.amount(value), height=_STEP)
        sheet.down(_STEP)
    sheet.down(1.2)
    sheet.shade(_X, _W, 9, colour=ACCENT)
    sheet.style(11, bold=True, colour=WHITE)
    label = words.amount_due if content.kind == "invoice" else words.credit
    _pair(sheet, label, wording.figures.money(content.due, content.decimals, content.currency), height=9)
    sheet.down(11.5)


def _rows(wording: Wording) -> list[tuple[str, Decimal, bool]]:
    """Label, amount, and whether it is a sum in bold: for net prices upwards to the total, else down from it."""
    words, content, say = wording.words, wording.content, wording.say
    if content.prices == "gross":
        rows = [
            (say(words.total_with_tax), content.gross, True),
            (say(words.tax_in_it), content.tax, False),
            (say(words.net_in_it), content.net, False),
        ]
    else:
        rows = [
            (words.net_total, content.net, False),
            (wording.tax, content.tax, False),
            (words.total, content.gross, True),
        ]
    return [*rows, (words.paid, -content.paid, False)] if content.paid else rows


def _pair(sheet: Sheet, label: str, value: str, *, height: float) -> None:
    half = _W / 2 - GAP
    sheet.put(_X + GAP, half - 1, label, height=height)
    sheet.put(_X + _W / 2, half, value, side="R", height=height)


def draw_tax(sheet: Sheet, wording: Wording) -> None:
    """The tax by category and rate, each with its reason in words."""
    words, content = wording.words, wording.content
    columns = (
        Column(wording.say(words.tax_summary), side="L"),
        Column(words.rate, 16),
        Column(words.taxable, 27),
        Column(wording.tax, 27),
        Column(words.gross, 27),
    )
    table = Table(sheet, columns, quiet=True)
    with table.carried():
        for row in merged_breakdown(content):
            amounts = (wording.amount(value) for value in (row.base, row.tax, row.base + row.tax))
            table.row((wording.reason(row), wording.figures.percent(row.rate), *amounts))
    sheet.down(2)
    if content.prices == "gross":
        sheet.style(8, colour=QUIET)
        sheet.put(MARGIN, WIDTH, wording.say(words.prices_include_tax))
        sheet.down(4.5)
    sheet.down(3)
