"""Countries by the names that files give them; not among the rules, which have no use for a library of languages."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from babel import Locale
from babel.core import get_global

from shared.values.fields import COUNTRIES
from shared.values.texts import composed

LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pl", "pt", "sv", "da")
# What trade writes and CLDR does not: former and short names, and the parts of the United Kingdom.
ALSO = {
    "EIRE": "IE",
    "UK": "GB",
    "Great Britain": "GB",
    "England": "GB",
    "Scotland": "GB",
    "Wales": "GB",
    "Northern Ireland": "GB",
    "RSA": "ZA",
    "Holland": "NL",
    "Czech Republic": "CZ",
    "Turkey": "TR",
    "United States of America": "US",
    "Korea": "KR",
    "Hong Kong": "HK",
    "Macau": "MO",
}


@lru_cache(maxsize=1)
def country_names() -> Mapping[str, str]:
    """ISO 3166-1 alpha-2 codes by their alpha-2 and alpha-3 codes, and names in ten languages, in small letters."""
    found: dict[str, str] = {}
    for name, code in _names():
        if code in COUNTRIES:
            found.setdefault(composed(name).casefold(), code)
    return found


def _names() -> Iterator[tuple[str, str]]:
    yield from ((code, code) for code in sorted(COUNTRIES))
    yield from ALSO.items()
    for alias, codes in get_global("territory_aliases").items():
        if len(alias) == 3 and alias.isalpha() and len(codes) == 1:
            yield alias, codes[0]
    for language in LANGUAGES:
        for code, name in Locale(language).territories.items():
            yield name, code
