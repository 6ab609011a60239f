"""A customer's statement as an A4 PDF. As with `pdf`, what draws it is imported by the first one."""

from __future__ import annotations

from services.billing.documents.statement import Statement
from shared.paper.made import Paper


def render_statement(statement: Statement, logo: bytes = b"") -> bytes:
    """The statement as PDF bytes; the same statement gives the same bytes."""
    return draw_statement_pdf(statement, logo).content


def draw_statement_pdf(statement: Statement, logo: bytes = b"") -> Paper:
    """The same with what whoever asked should know of it: letters that no font has."""
    from services.billing.documents.statement_paper import draw_statement
    from services.billing.documents.wording import Spoken
    from shared.paper.archive import Described, finished
    from shared.paper.sheet import Sheet
    from shared.paper.texts import texts_of

    spoken = Spoken.to(statement.language, statement.buyer, statement.seller)
    words = spoken.words
    sheet = Sheet(texts_of(statement, words), country=statement.buyer.address.country)
    draw_statement(sheet, statement, spoken, logo)
    subject = words.document_for.format(title=words.statement, name=statement.buyer.registered_name)
    described = Described(
        title=subject,
        author=statement.seller.registered_name,
        subject=subject,
        language=words.language,
        day=statement.last,
        program="Backoffice billing",
    )
    return finished(sheet, described)
