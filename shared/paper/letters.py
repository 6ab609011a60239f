"""What a text is printed as: every character once decided, and nothing lost without a word.

A character no font has is printed as its compatible form (NFKC, then NFKD without marks) where that means the same,
else as its code point in brackets, `[U+1F680]`, and named in `missing`: no box, no question mark. Controls and
direction overrides have no shape and are left out. More than `MOST_MARKS` marks on one letter are no writing: what is
beyond is left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from shared.paper.fonts import BODY, Face, find_face, letters_of

MOST_MARKS = 8
_ALWAYS = (0x20, 0x200C, 0x200D, 0x25CC)  # space, joiners, and the circle that shows a mark without a letter
# What has to be shaped: marks, joined and reordered scripts, whatever reads from the right.
SHAPED = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0590-\u109f\u1100-\u11ff\u1700-\u1cff\u1dc0-\u1dff\u20d0-\u20ff\ua800-\uabff"
    "\ufb1d-\ufdff\ufe20-\ufe2f\ufe70-\ufefc\U00010800-\U00011fff\U0001e800-\U0001efff]"
)
_JOINERS = "\u200c\u200d"  # they have no shape, but say how their neighbours join
_LONE_JOINERS = re.compile(f"(?<!{SHAPED.pattern})[{_JOINERS}]+|[{_JOINERS}]+(?!{SHAPED.pattern})")
_OPEN, _CLOSE = "\x02", "\x03"  # around a code point; they are controls, so no text has them
_CODE = re.compile(f"{_OPEN}U\\+([0-9A-F]+){_CLOSE}")
_PLAIN = re.compile(r"[ -~\n]*")
_LEFT_OUT = frozenset(("Cc", "Cf", "Cs"))


class Letters(dict[int, str]):
    """A `str.translate` table that fills itself, for documents of one country."""

    def __init__(self, country: str) -> None:
        """`country` (ISO 3166-1) decides how letters look that East Asian countries write differently."""
        super().__init__({ord("\t"): " ", ord("\n"): "\n", ord("\r"): ""})
        self._country = country
        self.missing: dict[int, None] = {}

    def printed(self, text: str) -> str:
        """The text as it will be printed, in NFC."""
        found = self._translated(text)
        if _OPEN in found:
            self.missing |= dict.fromkeys(int(code, 16) for code in _CODE.findall(found))
        return _spelt(found)

    def _translated(self, text: str) -> str:
        """The text in letters that there are, code points between controls."""
        if _PLAIN.fullmatch(text):
            return text
        return _LONE_JOINERS.sub("", unicodedata.normalize("NFC", _with_few_marks(text)).translate(self))

    def __missing__(self, code: int) -> str:
        self[code] = found = self._decided(chr(code))
        return found

    def _decided(self, char: str) -> str:
        category = unicodedata.category(char)
        if char in _JOINERS:
            return char
        if category in ("Zl", "Zp"):
            return "\n"
        if category in _LEFT_OUT or 0xFE00 <= ord(char) <= 0xFE0F or 0xE0100 <= ord(char) <= 0xE01EF:
            return ""
        for form in (char, *(unicodedata.normalize(form, char) for form in ("NFKC", "NFKD"))):
            found = "".join(c for c in form if c == char or unicodedata.category(c) not in ("Mn", "Me"))
            if found and all(self.face(c) is not None for c in found):
                return found
        return f"{_OPEN}U+{ord(char):04X}{_CLOSE}"

    def face(self, char: str) -> Face | None:
        """The font the character is set in."""
        return find_face(ord(char), self._country)

    def needed(self, texts: Iterable[str]) -> dict[Face, set[int]]:
        """Every font that the texts need, with the characters it has to draw."""
        wanted: dict[Face, set[int]] = {BODY: set()}
        for char in set().union(*(_spelt(self._translated(text)) for text in texts)) - {"\n"}:
            if (face := self.face(char)) is not None:
                wanted.setdefault(face, set()).add(ord(char))
        for face, codes in wanted.items():
            codes.update(code for code in _ALWAYS if code in letters_of(face))
        return wanted


def _spelt(text: str) -> str:
    """Code points in brackets, those beside each other in one pair."""
    return text.replace(_CLOSE + _OPEN, " ").replace(_OPEN, "[").replace(_CLOSE, "]")


def _with_few_marks(text: str) -> str:
    """The text with at most `MOST_MARKS` marks on a letter: to order 64 KB of them takes minutes."""
    kept, marks = [], 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me") else 0
        if marks <= MOST_MARKS:
            kept.append(char)
    return "".join(kept)
