"""What is written to a customer whom a document is sent, and who it goes to."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from services.billing.documents.content import DocumentContent
from services.billing.documents.statement import Statement
from shared.mail.words import day_text, money_text
from shared.values.faults import FieldError, Invalid
from shared.values.money import Money

INVOICE: Final = "invoice"
CREDIT_NOTE: Final = "credit_note"
STATEMENT: Final = "statement"


class NoRecipient(Invalid):
    """Nobody said where the document goes, and the customer has no address."""

    code = "no_recipient"

    @classmethod
    def refused(cls) -> "NoRecipient":
        """Refused for a body without `to`."""
        sentence = "The customer has no email: say where it goes."
        return cls(sentence, errors=[FieldError("/to", cls.code, sentence)])


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences of one language."""

    dear: str
    invoice: str
    invoice_text: str
    credit_note: str
    credit_note_text: str
    statement: str
    statement_text: str
    due: str
    regards: str


WORDS: Final = {
    "en": Words(
        "Dear {name},",
        "Invoice {number}",
        "please find attached our invoice {number} of {day} over {amount}.",
        "Credit note {number}",
        "please find attached our credit note {number} of {day} over {amount}.",
        "Statement of {first} to {last}",
        "please find attached the statement of your account from {first} to {last}.",
        "It is due on {due}.",
        "Kind regards",
    ),
    "de": Words(
        "Guten Tag {name},",
        "Rechnung {number}",
        "anbei erhalten Sie unsere Rechnung {number} vom {day} über {amount}.",
        "Gutschrift {number}",
        "anbei erhalten Sie unsere Gutschrift {number} vom {day} über {amount}.",
        "Kontoauszug vom {first} bis {last}",
        "anbei erhalten Sie den Auszug Ihres Kontos vom {first} bis {last}.",
        "Sie ist am {due} fällig.",
        "Mit freundlichen Grüßen",
    ),
    "fr": Words(
        "Bonjour {name},",
        "Facture {number}",
        "veuillez trouver ci-joint notre facture {number} du {day} d’un montant de {amount}.",
        "Avoir {number}",
        "veuillez trouver ci-joint notre avoir {number} du {day} d’un montant de {amount}.",
        "Relevé de compte du {first} au {last}",
        "veuillez trouver ci-joint le relevé de votre compte du {first} au {last}.",
        "Elle est payable au plus tard le {due}.",
        "Cordialement",
    ),
}


def subject_of(content: DocumentContent, *, seller: str, language: str) -> str:
    """What the mail is about: `Invoice INV-2026-000017 – Harbour Tea`."""
    words = WORDS[language]
    name = words.invoice if content.kind == INVOICE else words.credit_note
    return f"{name.format(number=content.number)} – {seller}"


def body_of(content: DocumentContent, *, message: str, seller: str, language: str) -> str:
    """The mail's text; the words of whoever sends it stand in the middle."""
    words = WORDS[language]
    sentence = words.invoice_text if content.kind == INVOICE else words.credit_note_text
    amount = money_text(Money.of(content.gross, content.currency), language)
    told = sentence.format(number=content.number, day=day_text(content.issued_on, language), amount=amount)
    if content.kind == INVOICE and content.due_on is not None:
        told += " " + words.due.format(due=day_text(content.due_on, language))
    return _whole(words, content.buyer.name, told, message, seller)


def statement_subject(statement: Statement, *, seller: str, language: str) -> str:
    """What the mail with a statement is about."""
    return f"{_days(WORDS[language].statement, statement, language)} – {seller}"


def statement_body(statement: Statement, *, message: str, seller: str, language: str) -> str:
    """The text of the mail with a statement."""
    words = WORDS[language]
    told = _days(words.statement_text, statement, language)
    return _whole(words, statement.buyer.name, told, message, seller)


def period_text(first: date, last: date) -> str:
    """The days of a statement as its number (ISO 8601)."""
    return f"{first}/{last}"


def period_of(number: str) -> tuple[date, date]:
    """The days that `period_text` wrote."""
    first, _, last = number.partition("/")
    return date.fromisoformat(first), date.fromisoformat(last)


def _days(sentence: str, statement: Statement, language: str) -> str:
    return sentence.format(first=day_text(statement.first, language), last=day_text(statement.last, language))


def _whole(words: Words, buyer: str, told: str, message: str, seller: str) -> str:
    paragraphs = [words.dear.format(name=buyer), told, message.strip(), f"{words.regards}\n{seller}"]
    return "\n\n".join(filter(None, paragraphs)) + "\n"
