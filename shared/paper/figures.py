"""How numbers, days and places are written for a reader: by language, and by country where that speaks the language.

German in Switzerland has 1’234.50, in Germany 1.234,50. English in a country that does not speak it is written as in
Britain: an invoice in English that follows the reader's habits in the middle of a sentence helps nobody. Digits are
European, zero never carries a minus. Source: CLDR, by Babel.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.languages import get_official_languages

WRITTEN = ("en", "de", "fr")
"""The languages that documents are written in: each has a catalogue of words."""
_USUAL = {"en": "en_GB"}


@cache
def locale_of(language: str, country: str) -> Locale:
    """The locale of a language (ISO 639-1, one Babel knows) for a reader in a country (ISO 3166-1, or empty)."""
    if country and language in get_official_languages(country, regional=True, de_facto=True):
        try:
            return Locale(language, country)
        except UnknownLocaleError:
            return Locale(language)
    return Locale.parse(_USUAL.get(language, language))


@cache
def language_in(country: str) -> str:
    """The language of a country's business papers among those documents are written in; English where none is."""
    official: tuple[str, ...] = ()
    if country:
        official = get_official_languages(country, regional=True, de_facto=True)
    return next((language for language in official if language in WRITTEN), "en")


class Figures:
    """A reader's way to write figures."""

    def __init__(self, language: str, country: str) -> None:
        """`language` (ISO 639-1) is the document's, `country` (ISO 3166-1) the reader's."""
        self.locale = locale_of(language, country)
        signs = self.locale.number_symbols["latn"]
        self._point, self._comma = str(signs["decimal"]), str(signs["group"])
        self._lakhs = self.locale.decimal_formats[None].grouping[1] == 2
        self._code_first = self.locale.currency_formats["standard"].pattern.startswith("¤")

    def amount(self, value: Decimal, decimals: int) -> str:
        """An amount with exactly the currency's decimals: "1,806.00"."""
        whole, _, part = f"{value:z.{decimals}f}".partition(".")
        minus, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
        return minus + self._grouped(digits) + (self._point + part if part else "")

    def _grouped(self, digits: str) -> str:
        size = 2 if self._lakhs else 3
        head, groups = digits[:-3], [digits[-3:]]
        while head:
            head, groups = head[:-size], [head[-size:], *groups]
        return self._comma.join(groups)

    def exact(self, value: Decimal, least: int = 0) -> str:
        """A quantity, rate or price with as many decimals as it has, at least so many: "18.0425", "6"."""
        return self.amount(value, max(least, len(f"{value:f}".partition(".")[2].rstrip("0"))))

    def percent(self, value: Decimal) -> str:
        """A rate in per cent: "7.5 %"."""
        return f"{self.exact(value)} %"

    def money(self, value: Decimal, decimals: int, currency: str) -> str:
        """An amount with its currency's code, on the side the language has it: "EUR 1,806.00", "1.806,00 EUR"."""
        written = self.amount(value, decimals)
        return f"{currency} {written}" if self._code_first else f"{written} {currency}"

    def day(self, value: date) -> str:
        """A date no reader takes for another one: "6 March 2026"."""
        return format_date(value, "long", locale=self.locale)

    def country(self, code: str) -> str:
        """A country's name; its code where it has none."""
        return str(self.locale.territories.get(code, code))
