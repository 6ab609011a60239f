"""Rules of tax codes: which categories have a rate, and which rate holds on a day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, Self, get_args
from uuid import UUID

from shared.values.faults import FieldError, Invalid, Refused

Category = Literal["S", "Z", "E", "AE", "K", "G", "O"]
"""UNTDID 5305: standard (any rate), zero rated, exempt, reverse charge, intra-community, export, out of scope."""

CATEGORIES: frozenset[str] = frozenset(get_args(Category))


@dataclass(frozen=True, slots=True)
class TaxRate:
    """What a tax code means on one day."""

    code: str
    category: str
    rate: Decimal


class RateWithoutTax(Invalid):
    """A rate in a category that has none by definition (EN 16931 BR-Z-05, BR-E-05, ...)."""

    code = "rate_not_allowed"


class BadValidity(Invalid):
    """A tax code that would end before it begins."""

    code = "validity_reversed"


class RateUsed(Refused):
    """Documents state the rate; another one begins on a day of its own."""

    code = "rate_used"

    @classmethod
    def by(cls, code: str, invoice_id: UUID, number: str) -> Self:
        """Refused for the first document that used it."""
        return cls(
            f"Invoice {number} states this rate. End it by `valid_to`, and add {code} anew from the next day on.",
            invoice_id=invoice_id,
            number=number,
        )


class UnknownTaxCode(Invalid):
    """A line names a tax code that the tenant has not, or not on that day."""

    code = "unknown_tax_code"


class TaxCodeNotValid(Refused):
    """A tax code of a draft means nothing on its day of supply: it has ended and has no new rate, or begins later."""

    code = "tax_code_not_valid"


def require_consistent(category: str, rate: Decimal, valid_from: date, valid_to: date | None) -> None:
    """Refuse a rate where the category has none, and a validity that ends before it begins."""
    if category != "S" and rate != 0:
        sentence = f"Category {category} has no rate; use S."
        raise RateWithoutTax(sentence, errors=[FieldError("/rate", RateWithoutTax.code, sentence)])
    if valid_to is not None and valid_to < valid_from:
        sentence = "The last day of validity is before the first."
        raise BadValidity(sentence, errors=[FieldError("/valid_to", BadValidity.code, sentence)])


def require_known(found: Iterable[str], asked: Iterable[str], on: date) -> None:
    """Refuse lines whose tax code does not hold on the day; the pointers name the lines in order."""
    known = frozenset(found)
    errors = [
        FieldError(f"/lines/{n}/tax_code", UnknownTaxCode.code, f"There is no tax code {code} on {on}.")
        for n, code in enumerate(asked)
        if code not in known
    ]
    if errors:
        raise UnknownTaxCode(f"{len(errors)} line(s) name an unknown tax code.", errors=errors)


def require_holding(found: Iterable[str], asked: Iterable[str], on: date) -> None:
    """Refuse to issue what has tax codes that do not hold on its day of supply."""
    known = frozenset(found)
    missing = [code for code in dict.fromkeys(asked) if code not in known]
    if missing:
        raise TaxCodeNotValid(
            f"On {on} there is no tax code {', '.join(missing)}; change the lines or the day, or give it a rate.",
            tax_codes=missing,
            on=on.isoformat(),
        )
