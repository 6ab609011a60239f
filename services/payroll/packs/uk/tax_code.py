"""Tax codes: how they are written, and which of them exist.

A code is the prefix of a country (S Scotland, C Wales, none for the rest of the UK) and a number with L, M, N or T, K
with a number, 0T, BR or D with a digit; NT alone has no prefix. At most seven characters, capitals, no blanks. That a
code is not cumulative (W1, M1, X) is no part of it: it is declared as the basis. Source: HMRC, Specification for PAYE
tax table routines (codes; SNT, CNT and SD4 do not exist) and PAYE Manual PAYE13002.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

LONGEST: Final = 7
PATTERN: Final = r"NT|[SC]?0T|[SC]?[1-9][0-9]{0,4}[LMNT]|[SC]?K[1-9][0-9]{0,3}|[SC]?BR|[C]?D[01]|SD[0-3]"
_CODE: Final = re.compile(PATTERN, re.ASCII)
_MARKED: Final = re.compile(r"[ ]?(W1M1|W1/M1|W1|M1|X)", re.ASCII)
_COUNTRIES: Final = {"S": "scotland", "C": "wales"}


class CodeKind(StrEnum):
    """How a code is worked out."""

    ALLOWANCE = "allowance"
    """Free pay is taken off (0T: none)."""
    ADDITION = "addition"
    """K: pay is added."""
    FLAT = "flat"
    """BR, D0 to D3: one rate on all pay."""
    NO_TAX = "no_tax"
    """NT."""


class BadTaxCode(ValueError):  # noqa: N818 - a refusal named by its rule
    """A text that is no tax code; the message says why."""


@dataclass(frozen=True, slots=True)
class TaxCode:
    """A tax code as read: `number` of an allowance or addition, `flat` the name of a rate (`BR`, `D0`)."""

    text: str
    country: str
    kind: CodeKind
    number: int = 0
    flat: str | None = None


@lru_cache(maxsize=4096)
def _read(text: str) -> TaxCode | None:
    if not _CODE.fullmatch(text):
        return None
    country = _COUNTRIES.get(text[0], "rest_of_uk")
    rest = text[1:] if text[0] in _COUNTRIES else text
    if rest == "NT":
        return TaxCode(text, country, CodeKind.NO_TAX)
    if rest == "BR" or rest[0] == "D":
        return TaxCode(text, country, CodeKind.FLAT, flat=rest)
    if rest[0] == "K":
        return TaxCode(text, country, CodeKind.ADDITION, int(rest[1:]))
    return TaxCode(text, country, CodeKind.ALLOWANCE, int(rest[:-1]))


def read_tax_code(text: str) -> TaxCode:
    """Read a code; raises BadTaxCode. Time does not depend on how long a hostile text is."""
    if len(text) > LONGEST + len(" W1/M1"):
        raise BadTaxCode(f"A tax code has at most {LONGEST} characters")
    found = _read(text)
    if found is not None:
        return found
    marked = next((end for end in range(2, len(text)) if _MARKED.fullmatch(text, end)), None)
    if marked is not None and _read(text[:marked]) is not None:
        raise BadTaxCode("W1, M1 and X are no part of a tax code: declare the basis week1_month1")
    raise BadTaxCode("Not a tax code of HMRC (such as 1257L, S1257L, K475, BR, D0, 0T, NT)")
