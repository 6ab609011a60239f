"""What is told of an order by mail, and in which words."""

from dataclasses import dataclass
from typing import Final

from services.orders.book.rules import Fulfilment, Order, OrderLine, OrderState
from shared.mail.words import money_text, quantity_text
from shared.values.faults import Refused


class OrderOver(Refused):
    """The order was cancelled before its confirmation was sent."""

    code = "order_cancelled"


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences of one language."""

    dear: str
    confirmed: str
    confirmed_text: str
    shipped: str
    shipped_text: str
    net: str
    tax: str
    gross: str
    parcels: str
    regards: str


WORDS: Final = {
    "en": Words(
        "Dear {name},",
        "Your order {number}",
        "thank you for your order {number}. We have confirmed:",
        "Your order {number} has been shipped",
        "we have shipped from your order {number}:",
        "Net", "Tax", "Total",
        "Parcels",
        "Kind regards",
    ),
    "de": Words(
        "Guten Tag {name},",
        "Ihre Bestellung {number}",
        "vielen Dank für Ihre Bestellung {number}. Wir bestätigen:",
        "Ihre Bestellung {number} wurde versandt",
        "aus Ihrer Bestellung {number} haben wir versandt:",
        "Netto", "Steuer", "Gesamt",
        "Pakete",
        "Mit freundlichen Grüßen",
    ),
    "fr": Words(
        "Bonjour {name},",
        "Votre commande {number}",
        "nous vous remercions de votre commande {number} et confirmons :",
        "Votre commande {number} a été expédiée",
        "nous avons expédié de votre commande {number} :",
        "Total HT", "TVA", "Total TTC",
        "Colis",
        "Cordialement",
    ),
}  # fmt: skip


def require_standing(order: Order) -> None:
    """Refuse to confirm by mail what does not stand any more."""
    if order.state == OrderState.CANCELLED:
        raise OrderOver("The order was cancelled before its confirmation was sent.")


def confirmation_text(order: Order, *, buyer: str, seller: str, language: str) -> str:
    """The body of an order's confirmation: lines with their amounts, totals."""
    words, totals = WORDS[language], order.totals
    lines = [
        f"{_part(line, language)}: {money_text(line.gross if order.prices == 'gross' else line.net, language)}"
        for line in order.lines
    ]
    lines += [f"{charge.description}: {money_text(charge.amount, language)}" for charge in order.charges]
    sums = ((words.net, totals.net), (words.tax, totals.tax), (words.gross, totals.gross))
    told = [f"{name}: {money_text(amount, language)}" for name, amount in sums]
    return _whole(words, words.confirmed_text.format(number=order.number), [lines, told], buyer, seller)


def shipping_text(order: Order, fulfilment: Fulfilment, *, buyer: str, seller: str, language: str) -> str:
    """The body of a shipping notice: what left, in which parcels."""
    words = WORDS[language]
    lines = [
        f"{quantity_text(part.quantity, language)} × {_named(order.line(part.order_line_id))}"
        for part in fulfilment.lines
    ]
    parcels = [
        f"{p.carrier}: {p.tracking_number}" if p.tracking_number else p.carrier for p in fulfilment.parcels
    ]
    told = [f"{words.parcels}:", *parcels] if parcels else []
    return _whole(words, words.shipped_text.format(number=order.number), [lines, told], buyer, seller)


def _part(line: OrderLine, language: str) -> str:
    return f"{quantity_text(line.quantity, language)} × {_named(line)}"


def _named(line: OrderLine) -> str:
    return line.description if line.sku in line.description else f"{line.description} ({line.sku})"


def _whole(words: Words, sentence: str, blocks: list[list[str]], buyer: str, seller: str) -> str:
    paragraphs = [words.dear.format(name=buyer), sentence, *("\n".join(block) for block in blocks if block)]
    return "\n\n".join([*paragraphs, f"{words.regards}\n{seller}"]) + "\n"
