"""Numbers by which tax authorities know people: their form, and their check digits where they have some.

Sources: HMRC, National Insurance Manual NIM39110 (format of a National Insurance number, prefixes that are not used);
SSN, ITIN and EIN (US, Internal Revenue Service) and UTR (UK) by python-stdnum.
"""

import re
from collections.abc import Callable
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError
from stdnum.exceptions import ValidationError as BadNumber
from stdnum.gb import utr as utr_rules
from stdnum.us import ein as ein_rules
from stdnum.us import itin as itin_rules
from stdnum.us import ssn as ssn_rules

from shared.values.masked import NotMasked

# Letters: D, F, I, Q, U and V are neither first nor second, O is not second; A to D is the last.
_NINO: Final = re.compile(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{6}[A-D]")
_Number = Annotated[str, NotMasked, StringConstraints(strict=True, max_length=32)]


def _nino(text: str) -> str:
    compact = "".join(text.split()).upper()
    if not _NINO.fullmatch(compact):
        raise PydanticCustomError("nino_format", "Must be a National Insurance number, such as AB 12 34 56 C")
    return compact


def _checked(name: str, validate: Callable[[str], str], words: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        try:
            return validate(text)
        except BadNumber:
            raise PydanticCustomError(f"{name}_format", "Must be {words}", {"words": words}) from None

    return check


Nino = Annotated[_Number, AfterValidator(_nino)]
"""A UK National Insurance number, stored without blanks."""
Ssn = Annotated[_Number, AfterValidator(_checked("ssn", ssn_rules.validate, "a US social security number"))]
"""A US social security number."""
Itin = Annotated[
    _Number, AfterValidator(_checked("itin", itin_rules.validate, "a US individual taxpayer number"))
]
"""A US individual taxpayer identification number."""
Ein = Annotated[_Number, AfterValidator(_checked("ein", ein_rules.validate, "a US employer number"))]
"""A US employer identification number, of contractors that are firms."""
Utr = Annotated[_Number, AfterValidator(_checked("utr", utr_rules.validate, "a unique taxpayer reference"))]
"""A UK unique taxpayer reference, of contractors."""
