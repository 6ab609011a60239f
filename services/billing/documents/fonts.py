"""Which letters a document can be set in.

DejaVu Sans Condensed 2.37 (typefaces/, Bitstream Vera licence) covers Latin, Greek, Cyrillic, Armenian,
Georgian, Hebrew, symbols and the common smileys. Chinese, Japanese and Korean need the PyPI package
`noto-cjk-sans-jp-regular` (Noto Sans CJK, OFL 1.1), used when installed and loaded only by documents that
need it. Whatever no font can draw is replaced by its compatible form (NFKC, then NFKD without marks) or
by U+FFFD, never an error. Where the bundled files are missing, PDF's built-in Helvetica sets Western
European text and the rest becomes "?". Shaping of Arabic and Indic scripts is not attempted.
"""

from __future__ import annotations

import logging
import unicodedata
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fpdf import FPDF

REGULAR = Path(__file__).parent / "typefaces" / "DejaVuSansCondensed.ttf"
BOLD = Path(__file__).parent / "typefaces" / "DejaVuSansCondensed-Bold.ttf"
_CJK_PACKAGE = "noto_cjk_sans_jp_regular"
_CJK_FILE = "NotoSansCJKjp-Regular.otf"
_WESTERN_ENCODING = "windows-1252"
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Mn", "Me", "Zl", "Zp"))
_VARIATION_SELECTORS = range(0xFE00, 0xFE10)

logging.getLogger("fontTools").setLevel(logging.WARNING)  # subsetting logs hundreds of lines a document


@cache
def cjk_font() -> Path | None:
    """The installed font for Chinese, Japanese and Korean, if there is one."""
    spec = find_spec(_CJK_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).with_name(_CJK_FILE)
    return path if path.exists() else None


class Alphabet(dict[int, str]):
    """A `str.translate` table that turns any text into text the given document can draw.

    It fills itself: each character is decided once, and the first one beyond the body font loads the CJK
    font into the document.
    """

    def __init__(self, pdf: FPDF) -> None:
        super().__init__({ord("\t"): " ", ord("\n"): "\n", ord("\r"): ""})
        self._pdf = pdf
        self._drawable: set[int] = set()
        self._cjk_tried = False
        self.family = self._load_body()

    def clean(self, text: str) -> str:
        """The text as it will be printed."""
        return unicodedata.normalize("NFC", text).translate(self)

    def __missing__(self, code: int) -> str:
        self[code] = printed = self._printed(chr(code))
        return printed

    def _printed(self, char: str) -> str:
        if ord(char) in _VARIATION_SELECTORS or unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            return ""  # controls, joiners and direction overrides have no shape of their own
        if self._has(char):
            return char
        for form in ("NFKC", "NFKD"):
            plain = "".join(
                c for c in unicodedata.normalize(form, char) if unicodedata.category(c) not in _INVISIBLE
            )
            if plain and all(self._has(c) for c in plain):
                return plain
        return "\N{REPLACEMENT CHARACTER}" if 0xFFFD in self._drawable else "?"

    def _has(self, char: str) -> bool:
        if ord(char) not in self._drawable and not self._cjk_tried and ord(char) > 0x10FF:
            self._load_cjk()
        return ord(char) in self._drawable

    def _load_body(self) -> str:
        if not (REGULAR.exists() and BOLD.exists()):
            self._pdf.core_fonts_encoding = _WESTERN_ENCODING
            self._drawable.update(
                ord(bytes([n]).decode(_WESTERN_ENCODING, "ignore") or " ") for n in range(32, 256)
            )
            self._cjk_tried = True
            return "helvetica"
        self._pdf.add_font("body", "", REGULAR)
        self._pdf.add_font("body", "B", BOLD)
        self._drawable.update(self._pdf.fonts["body"].cmap)  # type: ignore[union-attr]
        self._pdf.set_fallback_fonts(["body"], exact_match=False)
        return "body"

    def _load_cjk(self) -> None:
        self._cjk_tried = True
        path = cjk_font()
        if path is None:
            return
        self._pdf.add_font("cjk", "", path)
        self._drawable.update(self._pdf.fonts["cjk"].cmap)  # type: ignore[union-attr]
        self._pdf.set_fallback_fonts(["body", "cjk"], exact_match=False)
