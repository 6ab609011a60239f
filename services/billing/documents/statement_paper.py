"""Where a statement stands on the page: one table for each currency, what is overdue below it."""

from __future__ import annotations

from services.billing.documents.figures import grouped
from services.billing.documents.layout import day
from services.billing.documents.sheet import ACCENT, INK, MARGIN, QUIET, SHADE, WIDTH, Sheet, Side
from services.billing.documents.statement import Account, Line, Statement
from shared.values.money import Money

_STEP = 5.2
_COLUMNS: tuple[tuple[str, float, float, Side], ...] = (
    ("Date", MARGIN + 2, 30.0, "L"),
    ("Document", MARGIN + 34, 70.0, "L"),
    ("Due", MARGIN + 106, 28.0, "L"),
    ("Amount", MARGIN + 118, 26.0, "R"),
    ("Balance", MARGIN + 146, WIDTH - 148, "R"),
)


def draw_statement(sheet: Sheet, statement: Statement, logo: bytes) -> None:
    """Put the whole statement on the sheet; an empty logo is none."""
    sheet.add_page()
    _heading(sheet, statement, logo)
    for account in statement.accounts:
        _account(sheet, account)
    _footers(sheet, statement)


def _heading(sheet: Sheet, statement: Statement, logo: bytes) -> None:
    if logo:
        sheet.down(sheet.picture(MARGIN, logo, width=60.0, height=20.0) + 3)
    seller, buyer = statement.seller, statement.buyer
    _text(sheet, 15, seller.name, 7.5, bold=True)
    _text(sheet, 12, "Statement of account", 6.5, bold=True)
    _text(sheet, 9, f"{day(statement.first)} to {day(statement.last)}", 8)
    _text(sheet, 10, buyer.registered_name, 5, bold=True)
    place = buyer.address
    town = " ".join(part for part in (place.postal_code, place.city) if part)
    for text in (place.line1, place.line2, town, place.country):
        if text:
            _text(sheet, 9, text, 4.6)
    sheet.down(4)


def _text(sheet: Sheet, size: float, text: str, height: float, *, bold: bool = False) -> None:
    sheet.style(size, bold=bold)
    sheet.put(MARGIN, WIDTH, text, height=height)
    sheet.down(height)


def _account(sheet: Sheet, account: Account) -> None:
    sheet.need(6 * _STEP)
    _text(sheet, 11, account.currency, 7, bold=True)
    _columns(sheet)
    sheet.on_new_page = lambda: _columns(sheet)
    _row(sheet, ("", "Brought forward", "", "", _figure(account.opening, account)), bold=True)
    for line in account.lines:
        _row(sheet, _cells(line, account))
    _row(sheet, ("", "Balance", "", "", _figure(account.closing, account)), bold=True)
    sheet.on_new_page = None
    sheet.down(2)
    if not account.overdue.is_zero:
        _text(sheet, 10, f"Overdue: {account.currency} {_figure(account.overdue, account)}", 6, bold=True)
        for item in account.overdue_items:
            name = item.number or item.kind.replace("_", " ")
            _row(sheet, ("", name, day(item.due_on), "", _figure(item.open, account)))
    sheet.down(6)


def _columns(sheet: Sheet) -> None:
    sheet.shade(MARGIN, WIDTH, 6, colour=ACCENT)
    sheet.style(8.5, bold=True, colour=(255, 255, 255))
    for heading, x, width, side in _COLUMNS:
        sheet.put(x, width, heading, side=side, height=6)
    sheet.down(6)
    sheet.style(8.5, colour=INK)


def _row(sheet: Sheet, cells: tuple[str, ...], *, bold: bool = False) -> None:
    sheet.need(_STEP)
    if bold:
        sheet.shade(MARGIN, WIDTH, _STEP, colour=SHADE)
    sheet.style(8.5, bold=bold)
    for (_, x, width, side), text in zip(_COLUMNS, cells, strict=True):
        if text:
            sheet.put(x, width, text, side=side, height=_STEP)
    sheet.down(_STEP)


def _cells(line: Line, account: Account) -> tuple[str, ...]:
    name = f"{line.kind.replace('_', ' ').capitalize()} {line.number}" if line.number else line.memo
    due = day(line.due_on) if line.due_on and line.amount.minor > 0 else ""
    return day(line.on), name, due, _figure(line.amount, account), _figure(line.balance, account)


def _figure(amount: Money, account: Account) -> str:
    return grouped(amount.amount, account.decimals)


def _footers(sheet: Sheet, statement: Statement) -> None:
    total = sheet.pages_count
    for number in range(1, total + 1):
        sheet.page = number
        sheet.style(1)  # a page's text state is its own: setting the style twice writes it anew
        sheet.style(7.5, colour=QUIET)
        sheet.set_y(282)
        sheet.rule(MARGIN, WIDTH)
        sheet.down(1.5)
        sheet.put(MARGIN, 120, statement.seller.registered_name)
        sheet.put(MARGIN + 148, WIDTH - 148, f"Page {number} of {total}", side="R")
