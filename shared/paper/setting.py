"""Setting type: what of a text goes into which font, in which order, and how wide it becomes.

Western, Greek, Cyrillic and East Asian text is letter after letter. All else is shaped by HarfBuzz: letters join, marks
find their place, and what reads from the right is put in order (`bidi`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fpdf import FPDF

from shared.paper.bidi import visual_runs
from shared.paper.embedded_font import EmbeddedFont, Glyph
from shared.paper.fonts import BODY, Face, bold_of, letters_of
from shared.paper.letters import SHAPED, Letters

_STAYING = frozenset(" \u200c\u200d")


@dataclass(frozen=True, slots=True)
class Run:
    """Text in one font and direction; `glyphs` are its shapes, None where each letter is its own."""

    font: EmbeddedFont
    text: str
    width: int
    glyphs: list[Glyph] | None = None
    from_right: bool = False


class Setting:
    """The fonts of one document, and text set in them. Widths are thousandths of the type's size."""

    def __init__(self, pdf: FPDF, letters: Letters, texts: Iterable[str]) -> None:
        """`texts` is all that will be printed: of each font only that is put into the document."""
        self.letters = letters
        self._pdf = pdf
        self._codes = letters.needed(texts)
        self._fonts: dict[tuple[Face, bool], EmbeddedFont | None] = {}
        self._late: dict[tuple[Face, int], EmbeddedFont] = {}
        self._widths: dict[tuple[str, bool], int] = {}

    def runs(self, text: str, *, bold: bool, from_right: bool = False) -> list[Run]:
        """Printable text of one line as runs from left to right."""
        if not SHAPED.search(text):
            return [Run(font, part, font.width(part)) for font, part in self._by_font(text, bold)]
        found: list[Run] = []
        for piece, turned in visual_runs(text, from_right=from_right):
            parts = [self._shaped(font, part, from_right=turned) for font, part in self._by_font(piece, bold)]
            found += reversed(parts) if turned else parts
        return found

    def width(self, text: str, *, bold: bool) -> int:
        """How wide printable text becomes."""
        known = self._widths.get((text, bold))
        if known is None:
            known = sum(run.width for run in self.runs(text, bold=bold))
            self._widths[text, bold] = known
        return known

    def clusters(self, text: str, *, bold: bool) -> Iterator[tuple[str, int]]:
        """What of printable text cannot be torn apart, letter by letter with its marks, and how wide each is."""
        for font, part in self._by_font(text, bold):
            if not SHAPED.search(part):
                yield from ((char, font.width(char)) for char in part)
                continue
            for piece, turned in visual_runs(part, from_right=False):
                glyphs = font.shaped(piece, from_right=turned)
                yield from _grouped(reversed(glyphs) if turned else glyphs)

    def _shaped(self, font: EmbeddedFont, text: str, *, from_right: bool) -> Run:
        glyphs = font.shaped(text, from_right=from_right)
        return Run(font, text, sum(glyph.advance for glyph in glyphs), glyphs, from_right)

    def _by_font(self, text: str, bold: bool) -> Iterator[tuple[EmbeddedFont, str]]:
        """The text in pieces of one font; spaces and marks stay with what is before them where its font has them."""
        current, begin = self._font(" ", bold), 0
        if not current.letters.issuperset(map(ord, text)):
            for place, char in enumerate(text):
                if ord(char) in current.letters and (char in _STAYING or unicodedata.combining(char)):
                    continue
                font = self._font(char, bold)
                if font is not current:
                    if place > begin:
                        yield current, text[begin:place]
                    current, begin = font, place
        if text[begin:]:
            yield current, text[begin:]

    def _font(self, char: str, bold: bool) -> EmbeddedFont:
        face, code = self.letters.face(char) or BODY, ord(char)
        for style in (True, False) if bold else (False,):
            found = self._styled(face, style)
            if found is not None and code in found.letters:
                return found
        if (face, code) not in self._late:  # nobody said that it would be printed
            key = f"late{len(self._late)}"
            self._late[face, code] = EmbeddedFont.load(self._pdf, key, face, [0x20, code])
        return self._late[face, code]

    def _styled(self, face: Face, bold: bool) -> EmbeddedFont | None:
        """The font with what the document needs of it, put into the document by its first use."""
        if (face, bold) not in self._fonts:
            source = bold_of(face) if bold else face
            codes = [code for code in self._codes.get(face, ()) if source and code in letters_of(source)]
            key = f"f{len(self._fonts)}"
            self._fonts[face, bold] = (
                EmbeddedFont.load(self._pdf, key, source, codes) if source and codes else None
            )
        return self._fonts[face, bold]


def _grouped(glyphs: Iterable[Glyph]) -> Iterator[tuple[str, int]]:
    """Shapes in reading order as letters with their marks."""
    text, width = "", 0
    for glyph in glyphs:
        begins = glyph.text and unicodedata.category(glyph.text[0])[0] != "M" and glyph.text not in _STAYING
        if begins and text:
            yield text, width
            text, width = "", 0
        text, width = text + glyph.text, width + glyph.advance
    if text:
        yield text, width
