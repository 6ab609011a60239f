"""A font inside a document: only the letters it needs, cut out by HarfBuzz before fpdf sees it.

fpdf reads every letter of a font and lets fontTools cut it, which takes a second for Chinese; of what is left here
it has little to do.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import NamedTuple

import uharfbuzz as hb
from fpdf import FPDF
from fpdf.fonts import HarfBuzzFont, TTFFont

from shared.paper.fonts import Face, opened

logging.getLogger("fontTools").setLevel(logging.WARNING)  # cutting logs hundreds of lines a document

_UPRIGHT = [
    int.from_bytes(tag) for tag in (b"vhea", b"vmtx", b"VORG", b"BASE")
]  # of lines that run downwards


class Glyph(NamedTuple):
    """A shape and where it stands: its number in the font, how far it moves the pen, its shift, what it stands for.

    Lengths are thousandths of the font's size. Of a group of shapes one has the group's text.
    """

    number: int
    advance: int
    right: int
    up: int
    text: str


@dataclass
class EmbeddedFont:
    """A font as one document has it."""

    font: TTFFont
    hb_font: hb.Font

    @classmethod
    def load(cls, pdf: FPDF, key: str, face: Face, codes: Iterable[int]) -> EmbeddedFont:
        """Put a font with these letters into the document."""
        wanted = hb.SubsetInput()
        wanted.unicode_set.update(codes)
        if (source := opened(face)).has_var_data:
            wanted.pin_all_axes_to_default(source)
        wanted.drop_table_tag_set.update(_UPRIGHT)
        wanted.flags = hb.SubsetFlags.NOTDEF_OUTLINE
        cut = hb.subset(source, wanted).blob.data
        font = TTFFont(pdf, BytesIO(cut), key, "")  # type: ignore[arg-type]  # whatever fontTools can read
        font.ttfont.recalcBBoxes = False  # HarfBuzz has left them right; for Chinese it takes seconds
        font._hbfont = HarfBuzzFont(hb.Face(cut))
        pdf.fonts[key] = font
        return cls(font, font.hbfont)

    @cached_property
    def letters(self) -> frozenset[int]:
        """The code points in it."""
        return frozenset(self.font.cmap)

    def width(self, text: str) -> int:
        """How wide text is whose letters stand one after the other, in thousandths of its size."""
        widths = self.font.cw
        return sum(int(widths[ord(char)]) for char in text)

    def shaped(self, text: str, *, from_right: bool) -> list[Glyph]:
        """The shapes of a text of one direction, from left to right."""
        buffer = hb.Buffer()
        buffer.cluster_level = hb.BufferClusterLevel.MONOTONE_CHARACTERS
        buffer.add_str(text)
        buffer.guess_segment_properties()
        buffer.direction = "rtl" if from_right else "ltr"
        hb.shape(self.hb_font, buffer, {})
        infos, places = buffer.glyph_infos, buffer.glyph_positions
        if not infos:
            return []
        ends = dict(self._ends(sorted({info.cluster for info in infos}), len(text)))
        scale = self.font.scale
        told: set[int] = set()
        found = []
        for info, place in zip(infos, places, strict=True):
            own = "" if info.cluster in told else text[info.cluster : ends[info.cluster]]
            told.add(info.cluster)
            advance, right, up = (round(scale * n) for n in (place.x_advance, place.x_offset, place.y_offset))
            found.append(Glyph(info.codepoint, advance, right, up, own))
        return found

    @staticmethod
    def _ends(clusters: list[int], length: int) -> Iterable[tuple[int, int]]:
        return zip(clusters, [*clusters[1:], length], strict=True)

    def code(self, glyph: Glyph) -> tuple[int, int] | None:
        """The glyph's code in the document and its own width; None for what is not to be drawn."""
        name = self.font.ttfont.getGlyphName(glyph.number)
        width = round(self.font.scale * self.font.ttfont["hmtx"].metrics[name][0])
        unicode = tuple(ord(char) for char in glyph.text)
        known = self.font.subset.get_glyph(
            glyph=glyph.number, unicode=unicode, glyph_name=name, glyph_width=width
        )
        code = None if known is None else self.font.subset.pick_glyph(known)
        return None if code is None else (code, width)
