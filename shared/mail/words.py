"""Words of letters: the languages they are written in, and amounts, quantities and days as each writes them."""

from copy import copy
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

from shared.values.money import Money, currency_digits

SPOKEN: Final = ("en", "de", "fr")
"""Languages that letters are written in; whoever has another one is written to in the first."""


def spoken(language: str | None) -> str:
    """The language of a letter to somebody of that language."""
    return language if language in SPOKEN else SPOKEN[0]


def money_text(money: Money, language: str) -> str:
    """An amount with all decimals of its currency: `1.234,50 €` in German."""
    digits, locale = currency_digits(money.currency), _locale(language)
    pattern = copy(locale.currency_formats["standard"])
    pattern.frac_prec = digits, digits  # ISO 4217's, which CLDR leaves out of some amounts
    return str(pattern.apply(money.amount, locale, currency=money.currency, currency_digits=False))


def quantity_text(quantity: Decimal, language: str) -> str:
    """A quantity without trailing zeros."""
    return str(format_decimal(quantity, locale=_locale(language), decimal_quantization=False))


def day_text(day: date, language: str) -> str:
    """A day with the month in letters."""
    return str(format_date(day, format="long", locale=_locale(language)))


@lru_cache(maxsize=len(SPOKEN))
def _locale(language: str) -> Locale:
    return (
        Locale("en", "GB") if language == "en" else Locale(language)
    )  # days before months, as in all others
