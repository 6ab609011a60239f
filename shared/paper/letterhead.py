"""What every business paper has: letterhead, addresses, a band of facts, headings of texts, page footers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from shared.paper.sheet import ACCENT, MARGIN, QUIET, SHADE, WIDTH, PictureError, Sheet

HALF: Final = WIDTH / 2 - 5
LEFT: Final = MARGIN
RIGHT: Final = MARGIN + WIDTH / 2 + 5
_LOGO_W, _LOGO_H = 60.0, 16.0
_CELLS = 4  # facts in a row
_STEP = 4.6
_FOOT = 280.5
_FOOT_W = 122.0


def draw_letterhead(sheet: Sheet, name: str, title: str, under: str, logo: bytes = b"") -> None:
    """Whose paper it is at the left, below its logo where there is one; what it is and its number at the right.

    A logo that cannot be drawn is left out, and remarked.
    """
    top = sheet.get_y()
    high = _draw_logo(sheet, logo) if logo else 0.0
    sheet.down(high + 3 if high else 0)
    sheet.style(12 if high else 15, bold=True, colour=ACCENT)
    for text in sheet.wrap(name, HALF)[:3]:
        sheet.put(LEFT, HALF, text, height=6)
        sheet.down(6.3)
    below = sheet.get_y()
    sheet.set_y(top)
    sheet.style(19, bold=True)
    sheet.put(RIGHT, HALF, title.upper(), side="R", height=8)
    sheet.down(8.5)
    sheet.style(11, colour=QUIET)
    sheet.put(RIGHT, HALF, under, side="R", height=5.5)
    sheet.set_y(max(below, sheet.get_y() + 5.5) + 3)
    sheet.rule(MARGIN, WIDTH, colour=ACCENT, weight=0.6)
    sheet.down(6)


def try_logo(logo: bytes) -> None:
    """Draw a logo on a page of its own, as a document would: what it raises, documents would meet."""
    sheet = Sheet(())
    sheet.add_page()
    sheet.picture(MARGIN, logo, width=_LOGO_W, height=_LOGO_H)
    sheet.output()


def _draw_logo(sheet: Sheet, logo: bytes) -> float:
    """Its height; 0 where it had to be left out."""
    try:
        return sheet.picture(MARGIN, logo, width=_LOGO_W, height=_LOGO_H)
    except PictureError:
        sheet.remarks.append("made without the logo, since its picture cannot be drawn")
        return 0.0


def draw_sides(sheet: Sheet, *sides: tuple[str, str, Iterable[str]]) -> None:
    """Two parties beside each other: a label, the name in bold, lines; empty lines are left out."""
    top = end = sheet.get_y()
    for x, (label, name, lines) in zip((LEFT, RIGHT), sides, strict=False):
        sheet.set_y(top)
        _side(sheet, x, label, name, lines)
        end = max(end, sheet.get_y())
    sheet.set_y(end + 4)


def _side(sheet: Sheet, x: float, label: str, name: str, lines: Iterable[str]) -> None:
    sheet.style(7.5, bold=True, colour=QUIET)
    sheet.put(x, HALF, label.upper())
    sheet.down(5)
    sheet.style(10, bold=True)
    for text in sheet.wrap(name, HALF)[:6]:
        sheet.put(x, HALF, text)
        sheet.down(4.8)
    sheet.style(9)
    for given in filter(None, lines):
        for text in sheet.wrap(given, HALF)[:4]:
            sheet.put(x, HALF, text)
            sheet.down(_STEP)


def draw_facts(sheet: Sheet, facts: Iterable[tuple[str, str]]) -> None:
    """Dates and references in a band, four in a row, each under its name; those without a text are left out."""
    known = [fact for fact in facts if fact[1]]
    rows = [known[at : at + _CELLS] for at in range(0, len(known), _CELLS)]
    height = 10.5 * len(rows) + 2
    sheet.need(height)
    sheet.shade(MARGIN, WIDTH, height, colour=SHADE)
    sheet.down(1.5)
    cell = WIDTH / _CELLS
    for row in rows:
        for place, (label, text) in enumerate(row):
            x = MARGIN + place * cell + 3
            sheet.style(7.5, colour=QUIET)
            sheet.put(x, cell - 5, label, height=4.5)
            sheet.down(4.5)
            sheet.style(9, bold=True)
            sheet.put(x, cell - 5, text, height=5)
            sheet.down(-4.5)
        sheet.down(10.5)
    sheet.down(5)


def draw_heading(sheet: Sheet, text: str) -> None:
    """What a closing text is about, and room for its beginning."""
    sheet.need(14)
    sheet.style(7.5, bold=True, colour=QUIET)
    sheet.put(MARGIN, WIDTH, text.upper())
    sheet.down(5)


def draw_footers(sheet: Sheet, identity: Sequence[str], title: str, page: str) -> None:
    """At the end, on every page: two lines of who it is from, the paper's title, and `page` ("{number} of {total}")."""
    total = sheet.pages_count
    for number in range(1, total + 1):
        sheet.page = number
        sheet.set_y(_FOOT)
        sheet.rule(MARGIN, WIDTH)
        sheet.down(1.5)
        sheet.style(7.5, colour=QUIET)
        right = (title, page.format(number=number, total=total))
        for left, text in zip(identity, right, strict=True):
            sheet.put(MARGIN, _FOOT_W, left, height=3.8)
            sheet.put(MARGIN + _FOOT_W + 2, WIDTH - _FOOT_W - 2, text, side="R", height=3.8)
            sheet.down(3.8)
