"""Text as it is searched: folded alike where it is stored and where it is asked for.

Folding is NFKC, case folding (Unicode 3.13) and leaving out accents, so that `Müller`, `MULLER` and `muller` are one.
A row is found by its words: each word of a search must begin one of them. A telephone number is found with and without
its country code, its leading zero and its blanks.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self
from unicodedata import normalize

MOST_TERMS = 40  # of one row
LONGEST_TERM = 40
MOST_WORDS = 8  # of one search
LAST = "\U0010ffff"  # no term has it, so what begins with a prefix is below prefix + LAST
SHORTEST_LOCAL = 6  # digits of a number asked for that may have been written down without its country code
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]")
# Letters of their own that keyboards elsewhere lack; Unicode does not take them apart.
_LETTERS = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ħ": "h", "ı": "i", "ŧ": "t"}
)
_WORD = re.compile(r"[^\W_]+")
_PHONE = re.compile(r"\+?[\d\s().\-/]+")
_NO_DIGIT = re.compile(r"\D")


def fold(text: str) -> str:
    """A text as it is compared in searches: `Ærø Kaffe ` is `aero kaffe`; blanks are single ones."""
    folded = text.lower() if text.isascii() else _folded(text)
    return " ".join(folded.split())


def _folded(text: str) -> str:
    apart = normalize("NFKD", normalize("NFKC", text).casefold())
    return normalize("NFKC", _ACCENTS.sub("", apart).translate(_LETTERS))


def words_of(text: str) -> list[str]:
    """The words of a text, folded, in their order."""
    return [word[:LONGEST_TERM] for word in _WORD.findall(fold(text))]


def terms_of(*texts: str | None, phones: Iterable[str | None] = ()) -> list[str]:
    """By what a row with these texts and telephone numbers is found; sorted, none twice.

    What is written with signs in it is found with and without them: `O'Brien` by `brien`, `o'br` and `obrien`.
    """
    found: dict[str, None] = {}
    for text in texts:
        for token in fold(text or "").split():
            parts = _WORD.findall(token)
            joined = ["".join(parts)] if len(parts) > 1 and "@" not in token else []
            found |= dict.fromkeys(part[:LONGEST_TERM] for part in (*parts, *joined))
    of_phones = {term for phone in phones if phone for term in _phone_terms(phone)}
    return sorted({*list(found)[:MOST_TERMS], *of_phones})


def _phone_terms(phone: str) -> set[str]:
    """A number's digits; from an international one the country code is left off, which has one to three digits."""
    written = fold(phone)
    digits = _NO_DIGIT.sub("", written)
    abroad = written.lstrip("( ").startswith(("+", "00"))
    digits = digits.lstrip("0")
    cut = range(4) if abroad else range(1)
    return {term[:LONGEST_TERM] for n in cut if (term := digits[n:].lstrip("0"))}


@dataclass(frozen=True, slots=True)
class Sought:
    """What somebody looks for: the text as a whole, and the ways in which a row's terms may answer it.

    Of a way every word must begin one of the row's terms; one way is enough.
    """

    text: str
    ways: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, text: str) -> Self:
        """What a text looks for, as words, and as a telephone number where it may be one."""
        words = tuple(dict.fromkeys(words_of(text)[:MOST_WORDS]))
        ways = [words] if words else []
        if _PHONE.fullmatch(text.strip()) and len(_NO_DIGIT.sub("", text)) > 2:
            terms = sorted(_phone_terms(text), key=len, reverse=True)
            ways += [(term,) for n, term in enumerate(terms) if n == 0 or len(term) >= SHORTEST_LOCAL]
        return cls(fold(text), tuple(dict.fromkeys(ways)))
