"""The federal tables as numbers: read from the edition once, then only looked up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from services.payroll.engine.editions import Edition, edition_for, editions_in
from services.payroll.engine.lines import Source

PACK_NAME: Final = "us"
FOLDER: Final = Path(__file__).parent / "editions"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: `base` on what is not `over`, and `rate` of the excess."""

    over: Decimal
    base: Decimal
    rate: Decimal


Rows = tuple[Row, ...]


def rows_of(figures: Sequence[Sequence[str]]) -> Rows:
    """Rows of a data file (over, base, rate), lowest first."""
    return tuple(Row(Decimal(over), Decimal(base), Decimal(rate)) for over, base, rate in figures)


def row_at(rows: Rows, amount: Decimal) -> Row:
    """The row of an amount where rows say "at least" (the last that begins at or below it)."""
    found = rows[0]
    for row in rows:
        if row.over > amount:
            break
        found = row
    return found


def row_over(rows: Rows, amount: Decimal) -> Row:
    """The row of an amount where rows say "over" (the last that begins below it)."""
    found = rows[0]
    for row in rows:
        if row.over >= amount:
            break
        found = row
    return found


@dataclass(frozen=True, slots=True)
class IncomeTax:
    """Publication 15-T: the percentage method tables of Worksheet 1A."""

    source: Source
    allowance: Decimal
    line_1g: Mapping[str, Decimal]
    standard: Mapping[str, Rows]
    step2: Mapping[str, Rows]


@dataclass(frozen=True, slots=True)
class Supplemental:
    """Flat rates on supplemental wages: up to the threshold of a year, and above it."""

    source: Source
    rate: Decimal
    threshold: Decimal
    rate_above: Decimal


@dataclass(frozen=True, slots=True)
class Capped:
    """A tax at one rate on the wages of a year up to a wage base."""

    source: Source
    rate: Decimal
    wage_base: Decimal | None


@dataclass(frozen=True, slots=True)
class Federal:
    """The federal tables of a year. `additional_above` is where the additional Medicare tax begins."""

    year: str
    income_tax: IncomeTax
    supplemental: Supplemental
    social_security: Capped
    medicare: Capped
    additional_medicare: Capped
    additional_above: Decimal
    futa: Capped
    w2_measures: bool


def source_of(edition: Edition, key: str) -> Source:
    """A named source of an edition as lines carry it."""
    named = edition.sources[key]
    return Source(named["publication"], named["table"], named["year"], named.get("unconfirmed"))


def editions() -> tuple[Edition, ...]:
    """The federal editions, oldest first."""
    return editions_in(PACK_NAME, FOLDER)


@cache
def federal_on(day: date) -> Federal:
    """The federal tables of a day of pay; raises MissingEdition."""
    return _parsed(edition_for(PACK_NAME, editions(), day).edition)


@cache
def _parsed(year: str) -> Federal:
    """The tables of an edition by its name."""
    edition = next(e for e in editions() if e.edition == year)
    figures = edition.figures
    fit, extra, medicare = figures["income_tax"], figures["supplemental"], figures["medicare"]
    source = source_of(edition, medicare["source"])
    return Federal(
        year=year,
        income_tax=IncomeTax(
            source=source_of(edition, fit["source"]),
            allowance=Decimal(fit["allowance"]),
            line_1g={status: Decimal(text) for status, text in fit["line_1g"].items()},
            standard={status: rows_of(rows) for status, rows in fit["standard"].items()},
            step2={status: rows_of(rows) for status, rows in fit["step2"].items()},
        ),
        supplemental=Supplemental(
            source=source_of(edition, extra["source"]),
            rate=Decimal(extra["rate"]),
            threshold=Decimal(extra["threshold"]),
            rate_above=Decimal(extra["rate_above"]),
        ),
        social_security=_capped(edition, figures["social_security"]),
        medicare=Capped(source, Decimal(medicare["rate"]), None),
        additional_medicare=Capped(source, Decimal(medicare["additional_rate"]), None),
        additional_above=Decimal(medicare["additional_above"]),
        futa=_capped(edition, figures["futa"]),
        w2_measures="w2_box_12" in figures,
    )


def _capped(edition: Edition, figures: Mapping[str, Any]) -> Capped:
    return Capped(
        source_of(edition, figures["source"]), Decimal(figures["rate"]), Decimal(figures["wage_base"])
    )
