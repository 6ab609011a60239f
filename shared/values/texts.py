"""What makes two texts the same, and what an e-mail address looks like; needs nothing but the language itself.

Source: Unicode Standard Annex #15 (normalization form C), RFC 5321 and 5322 (addresses).
"""

import re
import unicodedata
from typing import Final

MOST_DECOMPOSED: Final = 4
"""Code points that one composed character stands for at most (U+1F82 is written with four)."""
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL: Final = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")
LONGEST_EMAIL: Final = 254


def composed(text: str) -> str:
    """A text in Unicode's form NFC: é is one code point, however its keyboard, file system or program wrote it.

    Ordering the marks of a long run of them takes time that grows with the square of its length, so a caller bounds
    the length first.
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def is_email(text: str) -> bool:
    """Whether this can be an address: RFC 5321 lengths, RFC 5322 dot-atom, a domain of several labels; ASCII only."""
    return len(text) <= LONGEST_EMAIL and _EMAIL.fullmatch(text) is not None


def folded_email(email: str) -> str:
    """An e-mail address as it is compared: nobody tells `Ann@Example.com` from `ann@example.com`.

    It is stored and sent as it was given, since by RFC 5321 (2.4) the part before the @ is its host's to interpret.
    """
    return email.lower()
