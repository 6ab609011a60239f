"""New starters without a P45: the tax code and basis that their statement leads to.

Source: HMRC, Starter checklist; PAYE Regulations 2003, regulations 46 to 49.
"""

from enum import StrEnum

from services.payroll.packs.uk.tables import Tables
from services.payroll.packs.uk.tax_code import TaxCode, read_tax_code


class Statement(StrEnum):
    """What a starter states on the checklist."""

    A = "A"
    """First job since 6 April, no pension or benefit: emergency code, cumulative."""
    B = "B"
    """Only job now, but there was another since 6 April: emergency code, week 1/month 1."""
    C = "C"
    """Has another job or a pension: BR, cumulative."""
    NONE = "none"
    """No statement: 0T, week 1/month 1."""


_PREFIXES = {"rest_of_uk": "", "scotland": "S", "wales": "C"}


def starter_code(tables: Tables, statement: Statement, country: str) -> tuple[TaxCode, bool]:
    """The code of a starter who lives in `country`, and whether it is on the week 1/month 1 basis."""
    emergency = tables.countries[country].emergency_code
    prefix = _PREFIXES[country]
    text, week1 = {
        Statement.A: (emergency, False),
        Statement.B: (emergency, True),
        Statement.C: (f"{prefix}BR", False),
        Statement.NONE: (f"{prefix}0T", True),
    }[statement]
    return read_tax_code(text), week1
