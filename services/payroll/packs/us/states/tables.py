"""The states' tables: dated data files, a folder for each state, chosen by pay date or start of the pay period."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, Final

from services.payroll.engine.editions import Edition, MissingEdition, edition_for, editions_in, read_edition
from services.payroll.engine.inputs import PayInput
from services.payroll.engine.lines import Source
from services.payroll.packs.us.tables import FOLDER, PACK_NAME, source_of
from shared.values.faults import FieldError

STATES: Final = FOLDER / "states"
BY_PERIOD_START: Final = frozenset(("UT",))
"""States whose tables hold for pay periods that begin on or after a day, not for pay on or after it."""
_NUMBER: Final = re.compile(r"[0-9]+(\.[0-9]+)?")


class MissingStateTables(MissingEdition):
    """The state's tables do not reach that day (422); those of another year are never used in their place."""

    def __init__(self, state: str, day: date, known: tuple[Edition, ...]) -> None:
        super().__init__(f"{PACK_NAME}/{state}", day, known)
        self.errors = (FieldError("/declarations/state", self.code, self.detail),)


@dataclass(frozen=True, slots=True)
class StateTables:
    """The tables of one state: `figures` as published, numbers as decimals and lists as tuples."""

    state: str
    edition: str
    figures: Mapping[str, Any]
    sources: Mapping[str, Source]

    def source(self, part: str) -> Source:
        """The source of a part of the figures."""
        return self.sources[self.figures[part]["source"]]


@dataclass(frozen=True, slots=True)
class Untaxed:
    """States without a tax on wages, and what else they take from employees that is not calculated here."""

    states: frozenset[str]
    not_covered: Mapping[str, tuple[str, ...]]


@cache
def untaxed() -> Untaxed:
    """The states without a tax on wages."""
    figures = read_edition(PACK_NAME, STATES / "untaxed.json").figures
    others = {state: tuple(what) for state, what in figures["not_covered"].items()}
    return Untaxed(frozenset(figures["states"]), others)


def state_tables(state: str, pay: PayInput) -> StateTables:
    """The tables of a state for a pay; raises MissingStateTables."""
    return _tables_on(state, pay.period_start if state in BY_PERIOD_START else pay.pay_on)


@cache
def _tables_on(state: str, day: date) -> StateTables:
    """The tables in force on a day; days without any are not remembered."""
    known = state_editions(state)
    try:
        edition = edition_for(PACK_NAME, known, day)
    except MissingEdition as missing:
        raise MissingStateTables(state, day, known) from missing
    return _parsed(state, edition.edition)


def state_editions(state: str) -> tuple[Edition, ...]:
    """All editions of a state's tables, oldest first."""
    return editions_in(PACK_NAME, STATES / state.lower())


@cache
def _parsed(state: str, name: str) -> StateTables:
    edition = next(e for e in state_editions(state) if e.edition == name)
    sources = {key: source_of(edition, key) for key in edition.sources}
    return StateTables(state, name, _numbers(edition.figures), sources)


def _numbers(figure: Any) -> Any:  # noqa: ANN401 - any part of a data file
    """Texts of numbers as decimals, lists as tuples."""
    if isinstance(figure, dict):
        return {key: _numbers(value) for key, value in figure.items()}
    if isinstance(figure, list):
        return tuple(_numbers(value) for value in figure)
    return Decimal(figure) if isinstance(figure, str) and _NUMBER.fullmatch(figure) else figure
