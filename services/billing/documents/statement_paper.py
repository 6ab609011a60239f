"""Where a statement stands on the page: one table for each currency, what is overdue below it."""

from __future__ import annotations

from services.billing.documents.party_lines import address_lines, identity_lines
from services.billing.documents.statement import Account, Line, Statement
from services.billing.documents.wording import Spoken
from shared.paper.letterhead import draw_footers, draw_letterhead, draw_sides
from shared.paper.sheet import ACCENT, MARGIN, WIDTH, Sheet
from shared.paper.table import Column, Table
from shared.values.money import Money


def period(statement: Statement, spoken: Spoken) -> str:
    """From which day to which: "1 March 2026 – 31 March 2026"."""
    return f"{spoken.figures.day(statement.first)} – {spoken.figures.day(statement.last)}"


def draw_statement(sheet: Sheet, statement: Statement, spoken: Spoken, logo: bytes) -> None:
    """Put the whole statement on the sheet; an empty logo is none."""
    words = spoken.words
    sheet.add_page()
    draw_letterhead(sheet, statement.seller.name, words.statement, period(statement, spoken), logo)
    sides = ((words.customer, statement.buyer), (words.seller, statement.seller))
    draw_sides(
        sheet,
        *(
            (label, party.registered_name, (*address_lines(party, spoken), *identity_lines(party, spoken)))
            for label, party in sides
        ),
    )
    for account in statement.accounts:
        _account(sheet, account, spoken)
    seller = statement.seller
    where = ", ".join(text for text in address_lines(seller, spoken) if text)
    identity = (
        " · ".join(part for part in (seller.registered_name, where) if part),
        " · ".join(identity_lines(seller, spoken, numbers_only=True)),
    )
    draw_footers(sheet, identity, words.statement, words.page)


def _account(sheet: Sheet, account: Account, spoken: Spoken) -> None:
    words = spoken.words
    sheet.need(40)
    sheet.style(11, bold=True, colour=ACCENT)
    sheet.put(MARGIN, WIDTH, account.currency, height=7)
    sheet.down(8)
    columns = (
        Column(words.date, 32, "L"),
        Column(words.document, side="L"),
        Column(words.due, 32, "L"),
        Column(words.statement_amount, 27),
        Column(words.balance, 27),
    )
    table = Table(sheet, columns)
    with table.carried():
        table.row(("", words.brought_forward, "", "", _figure(account.opening, account, spoken)), bold=True)
        for line in account.lines:
            table.row(_cells(line, account, spoken))
        table.row(("", words.balance, "", "", _figure(account.closing, account, spoken)), bold=True)
    sheet.down(4)
    if not account.overdue.is_zero:
        _overdue(sheet, account, spoken)
    sheet.down(6)


def _overdue(sheet: Sheet, account: Account, spoken: Spoken) -> None:
    words, day = spoken.words, spoken.figures.day
    columns = (Column(words.overdue, side="L"), Column(words.due, 32, "L"), Column(words.open_amount, 27))
    table = Table(sheet, columns, quiet=True)
    with table.carried():
        for item in account.overdue_items:
            name = _named(item.kind, item.number, "", spoken)
            table.row((name, day(item.due_on), _figure(item.open, account, spoken)))
        table.row((words.overdue_total, "", _figure(account.overdue, account, spoken)), bold=True)


def _cells(line: Line, account: Account, spoken: Spoken) -> tuple[str, ...]:
    day = spoken.figures.day
    due = day(line.due_on) if line.due_on and line.amount.minor > 0 else ""
    name = _named(line.kind, line.number, line.memo, spoken)
    return (
        day(line.on),
        name,
        due,
        _figure(line.amount, account, spoken),
        _figure(line.balance, account, spoken),
    )


def _named(kind: str, number: str | None, memo: str, spoken: Spoken) -> str:
    """A document's kind with its number; what has no word is called by its memo."""
    known = spoken.words.kinds.get(kind)
    if known is None:
        return memo or number or kind.replace("_", " ").capitalize()
    return f"{known} {number}" if number else known


def _figure(amount: Money, account: Account, spoken: Spoken) -> str:
    return spoken.figures.amount(amount.amount, account.decimals)
