"""How a pick list and a delivery note look. No prices: whoever carries or receives goods need not know them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.orders.papers.rules.content import GoodsPaper
from services.orders.papers.rules.words import words_in
from services.orders.papers.rules.words.catalogue import Words
from shared.paper.figures import Figures
from shared.paper.made import Paper
from shared.paper.units import unit_name

if TYPE_CHECKING:
    from shared.paper.sheet import Sheet

_BOX = "☐"


def draw_goods_paper(content: GoodsPaper) -> Paper:
    """The paper as PDF; the same content gives the same bytes."""
    from shared.paper.archive import Described, finished
    from shared.paper.sheet import Sheet
    from shared.paper.texts import texts_of

    words = words_in(content.language)
    name = words.pick_list if content.kind == "pick_list" else words.delivery_note
    sheet = Sheet(texts_of(content, words, _BOX), country=content.place.country)
    _draw(sheet, content, words, name)
    title = f"{name} {content.number}"
    described = Described(
        title=title,
        author=content.house_legal_name,
        subject=words.document_for.format(title=title, name=content.customer),
        language=words.language,
        day=content.day,
        program="Backoffice orders",
    )
    return finished(sheet, described)


def _draw(sheet: Sheet, content: GoodsPaper, words: Words, name: str) -> None:
    from shared.paper.letterhead import draw_facts, draw_footers, draw_heading, draw_letterhead, draw_sides
    from shared.paper.sheet import MARGIN, WIDTH

    figures, place = Figures(words.language, content.place.country), content.place
    sheet.add_page()
    draw_letterhead(sheet, content.house, name, content.number)
    town = " ".join(part for part in (place.postal_code, place.city) if part)
    where = (place.line1, place.line2, ", ".join(part for part in (town, place.region) if part),
             figures.country(place.country))  # fmt: skip
    sender = (content.warehouse, figures.country(content.house_country))
    draw_sides(
        sheet, (words.deliver_to, content.customer, where), (words.sender, content.house_legal_name, sender)
    )
    wanted = figures.day(content.requested_on) if content.requested_on else ""
    facts = (
        (words.shipped if content.shipped else words.date, figures.day(content.day)),
        (words.requested, wanted),
        (words.order, content.order_number),
        (words.your_order, content.purchase_order),
        (words.your_reference, content.reference),
        (words.warehouse, content.warehouse),
    )
    draw_facts(sheet, facts)
    _draw_goods(sheet, content, words, figures)
    for heading, text in ((words.parcels, "\n".join(content.parcels)), (words.notes, content.notes)):
        if text:
            sheet.down(4)
            draw_heading(sheet, heading)
            sheet.style(9)
            sheet.paragraph(MARGIN, WIDTH, text)
    _draw_line_to_sign(sheet, words.picked_by if content.kind == "pick_list" else words.received)
    draw_footers(sheet, (content.house_legal_name, content.warehouse), f"{name} {content.number}", words.page)


def _draw_goods(sheet: Sheet, content: GoodsPaper, words: Words, figures: Figures) -> None:
    from shared.paper.table import Column, Table

    picking = content.kind == "pick_list"
    columns = [
        Column(words.picked if picking else words.position, 20 if picking else 8, "C" if picking else "R"),
        Column(words.sku, 34, "L"),
        Column(words.description, side="L"),
        Column(words.quantity if picking else words.ordered, 24),
    ]
    table = Table(sheet, columns if picking else [*columns, Column(words.delivered, 24)])
    with table.carried():
        for position, goods in enumerate(content.goods, start=1):
            unit = unit_name(goods.unit, words.units)
            ordered, quantity = (
                " ".join(filter(None, (figures.exact(each), unit)))
                for each in (goods.ordered, goods.quantity)
            )
            if picking:
                table.row((_BOX, goods.sku, goods.description, quantity))
            else:
                table.row((str(position), goods.sku, goods.description, ordered, quantity))


def _draw_line_to_sign(sheet: Sheet, text: str) -> None:
    from shared.paper.sheet import INK, MARGIN, QUIET

    sheet.need(26)
    sheet.down(20)
    sheet.rule(MARGIN, 84, colour=INK)
    sheet.down(1)
    sheet.style(7.5, colour=QUIET)
    sheet.put(MARGIN, 110, text)
    sheet.down(5)
