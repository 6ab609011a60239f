"""A customer's statement as an A4 PDF. As with `pdf`, what draws it is imported by the first one."""

from __future__ import annotations

from datetime import UTC, datetime, time

from services.billing.documents.statement import Statement


def render_statement(statement: Statement, logo: bytes = b"") -> bytes:
    """The statement as PDF bytes; the same statement gives the same bytes."""
    from services.billing.documents.sheet import Sheet
    from services.billing.documents.statement_paper import draw_statement

    sheet = Sheet()
    title = f"Statement of account for {statement.buyer.registered_name}"
    sheet.set_title(title.encode("utf-8", "ignore").decode())
    sheet.set_lang("en")
    sheet.set_creation_date(datetime.combine(statement.last, time(), UTC))
    draw_statement(sheet, statement, logo)
    return bytes(sheet.output())
