"""Numbers as files write them: the decimal sign is said, not guessed, and what could be two numbers is none."""

import re
from decimal import Decimal

from services.orders.imports.rules.model import Code, Number, RefusedRow

LONGEST = 40
SIGNS = {".": ",", ",": "."}  # the decimal sign, and what stands between thousands where that is used
BLANKS = "[ \u00a0\u2009\u202f'\u2019]"  # what else stands between thousands: no language's decimal sign


def _patterns(sign: str, other: str) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Numbers without marks between thousands, with them, and those whose mark could be the decimal sign, too."""
    sign, other = re.escape(sign), re.escape(other)
    plain = rf"[+-]?([0-9]+({sign}[0-9]*)?|{sign}[0-9]+)"
    thousands = (
        rf"({other}[0-9]{{3}})+{sign}[0-9]+|({other}[0-9]{{3}}){{2,}}|({BLANKS}[0-9]{{3}})+({sign}[0-9]+)?"
    )
    either = rf"[+-]?[0-9]{{1,3}}{other}[0-9]{{3}}"
    return re.compile(plain), re.compile(rf"[+-]?[0-9]{{1,3}}({thousands})"), re.compile(either)


PATTERNS = {sign: _patterns(sign, other) for sign, other in SIGNS.items()}


def read_number(name: str, text: str, decimal: str, otherwise: RefusedRow) -> Decimal:
    """The number that a cell holds; raises `otherwise` for none, and its own refusal for what could be two."""
    sign = "." if type(text) is Number else decimal
    text = text.strip()
    plain, marked, either = PATTERNS[sign]
    if len(text) > LONGEST:
        raise otherwise
    if plain.fullmatch(text):
        return Decimal(text.replace(sign, "."))
    if either.fullmatch(text):
        raise RefusedRow(
            Code.AMBIGUOUS,
            f"{name} is {text}: the sign in it may stand before decimals or between thousands. Set the option "
            f'decimal to the file\'s decimal sign (here it is "{decimal}"), and write thousands without a sign.',
        )
    if marked.fullmatch(text):
        return Decimal(re.sub(rf"{BLANKS}|{re.escape(SIGNS[sign])}", "", text).replace(sign, "."))
    raise otherwise
