"""Numbers as files write them: the decimal sign is said, not guessed, and what could be two numbers is none."""

import re
from decimal import Decimal

from services.orders.imports.rules.model import Code, Number, RefusedRow

LONGEST = 40
SWAPPED = str.maketrans(".,", ",.")  # from a comma for decimals to a point
# What else stands between thousands: blanks of all widths and apostrophes, in no language the decimal sign.
WITHOUT_MARKS = str.maketrans("", "", ", \u00a0\u2009\u202f'\u2019")
PLAIN = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
EITHER = re.compile(
    r"[+-]?[0-9]{1,3},[0-9]{3}"
)  # the comma could stand between thousands, or before decimals
MARKED = re.compile(
    r"[+-]?[0-9]{1,3}((,[0-9]{3})+\.[0-9]+|(,[0-9]{3}){2,}|([ \u00a0\u2009\u202f'\u2019][0-9]{3})+(\.[0-9]+)?)"
)


def read_number(name: str, cell: str, decimal: str, otherwise: RefusedRow) -> Decimal:
    """The number that a cell holds; raises `otherwise` for none, and its own refusal for what could be two."""
    text = cell.strip()
    if len(text) > LONGEST:
        raise otherwise
    pointed = text if decimal == "." or type(cell) is Number else text.translate(SWAPPED)
    if PLAIN.fullmatch(pointed):
        return Decimal(pointed)
    if EITHER.fullmatch(pointed):
        raise RefusedRow(
            Code.AMBIGUOUS,
            f"{name} is {text}: the sign in it may stand before decimals or between thousands. Set the option "
            f'decimal to the file\'s decimal sign (here it is "{decimal}"), and write thousands without a sign.',
        )
    if MARKED.fullmatch(pointed):
        return Decimal(pointed.translate(WITHOUT_MARKS))
    raise otherwise
