"""An A4 page and the few strokes a business document is drawn with. Lengths are millimetres, sizes points."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import Literal

from fpdf import FPDF
from fpdf.enums import PDFResourceType
from fpdf.prefs import ViewerPreferences
from PIL import Image

from shared.paper.bidi import reads_from_right
from shared.paper.letters import Letters
from shared.paper.setting import Run, Setting

MARGIN = 18.0
WIDTH = 210.0 - 2 * MARGIN
TOP = 14.0
BODY_END = 297.0 - 21.0
INK = (33, 37, 41)
QUIET = (98, 106, 114)
ACCENT = (31, 78, 121)
RULE = (206, 212, 218)
SHADE = (241, 244, 248)
STAMP = (236, 224, 224)
WHITE = (255, 255, 255)

Colour = tuple[int, int, int]
Side = Literal["L", "R", "C"]

_CJK = "\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
_OPENERS, _CLOSERS = "（「『【〔〈《", "、。，．・：；？！）」』】〕〉》ー々"
# A line breaks at spaces and between East Asian letters; it begins with no closing sign and ends with no opening one.
_UNITS = re.compile(f"[{_OPENERS}]*[{_CJK}][{_CLOSERS}]*|[^ {_CJK}]+[{_CLOSERS}]*| +")


class PictureError(ValueError):
    """A picture that no page can carry; the page is as it was."""


class Sheet(FPDF):
    """A growing stack of pages, PDF/A-3B. `stamp` is printed large and pale behind the content of every page."""

    def __init__(self, texts: Iterable[str], *, country: str = "", stamp: str = "") -> None:
        """`texts`: all that may be printed; `country`: where it is read, which decides on some letters' looks."""
        super().__init__(orientation="portrait", unit="mm", format="A4", enforce_compliance="PDF/A-3B")
        self.alias_nb_pages("")  # a description may contain "{nb}"; page totals are written afterwards
        self.set_margins(MARGIN, TOP, MARGIN)
        self.set_auto_page_break(False)
        self.c_margin = 0.0
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self.letters = Letters(country)
        self.on_new_page: Callable[[], None] | None = None
        self.remarks: list[str] = []  # what is not as it was meant, for `Paper.warnings`; ASCII
        self._stamp = stamp
        self._size, self._bold, self._ink = 9.0, False, INK
        self._setting = Setting(self, self.letters, (*texts, stamp))

    def header(self) -> None:
        """Called by fpdf at the top of each page: the stamp, so that everything else lies on it."""
        if not self._stamp:
            return
        before = self._size, self._bold, self._ink
        self.style(110, bold=True, colour=STAMP)
        self._size *= min(1.0, 230 / self.measure(self._stamp))
        with self.rotation(52, x=105, y=148):
            self._draw(105 - self.measure(self._stamp) / 2, 162, self._setting.runs(self._stamp, bold=True))
        self._size, self._bold, self._ink = before

    def style(self, size: float, *, bold: bool = False, colour: Colour = INK) -> None:
        """Choose how the next text looks."""
        self._size, self._bold, self._ink = size, bold, colour

    def put(
        self,
        x: float,
        width: float,
        text: str,
        *,
        side: Side = "L",
        height: float = 4.6,
        from_right: bool | None = None,
    ) -> None:
        """One line of text in a box at the current height, made smaller when it would not fit.

        `from_right` says how the paragraph reads that the line is of; None: as its own first letter does.
        """
        drawn = self.letters.printed(text).replace("\n", " ")
        if not drawn:
            return
        size, needed = self._size, self.measure(drawn)
        if needed > width:
            self._size, needed = size * width / needed, width
        start = x + {"L": 0.0, "C": (width - needed) / 2, "R": width - needed}[side]
        baseline = self.get_y() + height / 2 + 0.3 * self._size / self.k
        turned = reads_from_right(drawn) if from_right is None else from_right
        self._draw(start, baseline, self._setting.runs(drawn, bold=self._bold, from_right=turned))
        self._size = size

    def measure(self, text: str) -> float:
        """How wide printable text is in the current style."""
        return self._setting.width(text, bold=self._bold) * self._millimetre()

    def _millimetre(self) -> float:
        """A thousandth of the type's size."""
        return self._size / self.k / 1000

    def _draw(self, x: float, baseline: float, runs: list[Run]) -> None:
        red, green, blue = (part / 255 for part in self._ink)
        strokes = [f"q {red:.3g} {green:.3g} {blue:.3g} rg"]
        for run in runs:
            font = run.font.font
            self._resource_catalog.add(PDFResourceType.FONT, font.i, self.page)
            place = f"/F{font.i} {self._size:.2f} Tf {x * self.k:.2f} {(self.h - baseline) * self.k:.2f} Td"
            if run.glyphs is None:
                strokes.append(f"BT {place} {font.encode_text(run.text)} ET")
            else:
                shapes = f"BT {place} {' '.join(self._shapes(run))} ET"
                spelt = (
                    run.text.encode("utf-16-be").hex().upper()
                )  # readers put what is from the right in order
                strokes.append(
                    shapes if run.from_right else f"/Span <</ActualText <FEFF{spelt}>>> BDC {shapes} EMC"
                )
            x += run.width * self._millimetre()
        self._out(" ".join([*strokes, "Q"]))

    def _shapes(self, run: Run) -> Iterator[str]:
        """PDF operators that put every shape of a run where HarfBuzz wants it."""
        pending, raised = "", 0
        for glyph in run.glyphs or ():
            found = run.font.code(glyph)
            if glyph.up != raised:
                if pending:
                    yield f"[{pending}] TJ"
                yield f"{glyph.up * self._size / 1000:.2f} Ts"
                pending, raised = "", glyph.up
            code = f"<{found[0]:04X}>" if found else ""
            width = found[1] if found else 0
            pending += f"{-glyph.right or ''}{code}{width + glyph.right - glyph.advance or ''} "
        if pending:
            yield f"[{pending}] TJ"
        if raised:
            yield "0 Ts"

    def wrap(self, text: str, width: float) -> list[str]:
        """The text in lines of at most this width; words longer than a line are broken between any letters."""
        lines: list[str] = []
        for paragraph in self.letters.printed(text).split("\n"):
            lines += [paragraph] if self.measure(paragraph) <= width else self._broken(paragraph, width)
        return lines

    def _broken(self, paragraph: str, width: float) -> list[str]:
        lines: list[str] = []
        current, used = "", 0.0
        for unit in _UNITS.findall(paragraph):
            wide = self.measure(unit)
            if used + wide <= width or not unit.strip(" "):
                current, used = current + unit, used + wide
                continue
            *full, rest = self._pieces(unit, width) if wide > width else [unit]
            lines += [current.rstrip(" "), *full] if current.strip(" ") else full
            current, used = rest, self.measure(rest)
        return [*lines, current.rstrip(" ")]

    def _pieces(self, word: str, width: float) -> list[str]:
        """A word cut wherever the line ends; at least one letter stands in each piece."""
        pieces, used, room = [""], 0.0, width / self._millimetre()
        for letter, wide in self._setting.clusters(word, bold=self._bold):
            if pieces[-1] and used + wide > room:
                pieces.append("")
                used = 0.0
            pieces[-1] += letter
            used += wide
        return pieces

    def paragraph(self, x: float, width: float, text: str, *, height: float = 4.6) -> None:
        """Text of any length from the current height downwards, going on to new pages where it must.

        What reads from the right stands at the right.
        """
        for part in self.letters.printed(text).split("\n"):
            turned = reads_from_right(part)
            for line in self.wrap(part, width):
                self.need(height)
                self.put(x, width, line, side="R" if turned else "L", height=height, from_right=turned)
                self.down(height)

    def down(self, by: float) -> None:
        """Move the current height down the page."""
        self.set_y(self.get_y() + by)

    def room(self) -> float:
        """How much height is left on this page."""
        return BODY_END - self.get_y()

    def need(self, height: float) -> None:
        """Go to a new page unless this much height is left."""
        if self.room() < height:
            self.next_page()

    def next_page(self) -> None:
        """Start a page, keeping the text style, with whatever repeats at its top."""
        before = self._size, self._bold, self._ink
        self.add_page()
        if self.on_new_page is not None:
            self.on_new_page()
        self._size, self._bold, self._ink = before

    def rule(self, x: float, width: float, *, colour: Colour = RULE, weight: float = 0.2) -> None:
        """A horizontal line at the current height."""
        self.set_draw_color(*colour)
        self.set_line_width(weight)
        self.line(x, self.get_y(), x + width, self.get_y())

    def picture(self, x: float, content: bytes, *, width: float, height: float) -> float:
        """A picture at the current height, as large as fits into the box; returns how high it became.

        Raises `PictureError`, whatever is wrong with the file.
        """
        try:
            with Image.open(BytesIO(content)) as picture:
                picture.load()
                if picture.mode == "P" and not (picture.palette and picture.palette.palette):
                    raise PictureError("its palette is empty")  # fpdf finds out when the file is written
                shrunk = min(width / picture.width, height / picture.height)
                high = picture.height * shrunk
                self.image(BytesIO(content), x=x, y=self.get_y(), w=picture.width * shrunk, h=high)
        except PictureError:
            raise
        except Exception as error:  # a damaged file fails anywhere in Pillow and fpdf
            raise PictureError(str(error)) from error
        return high

    def shade(self, x: float, width: float, height: float, *, colour: Colour = SHADE) -> None:
        """A filled box from the current height down."""
        self.set_fill_color(*colour)
        self.rect(x, self.get_y(), width, height, style="F")

    def squares(self, x: float, side: float, rows: Iterable[Iterable[int]]) -> None:
        """Black squares of a matrix, a QR code's, at the current height; `side` is the whole's."""
        matrix = [list(row) for row in rows]
        module = side / len(matrix) * self.k
        left, top = x * self.k, (self.h - self.get_y()) * self.k
        drawn = [
            f"{left + column * module:.2f} {top - (line + 1) * module:.2f} {module:.2f} {module:.2f} re"
            for line, row in enumerate(matrix)
            for column, dark in enumerate(row)
            if dark
        ]
        self._out(" ".join(["q 0 0 0 rg", *drawn, "f Q"]))
