"""Rules of the year to date: the ledger's entries."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID


class SourceKind(StrEnum):
    """What an entry comes from: figures stated before the first run, a run, or its reversal."""

    OPENING = "opening"
    RUN = "run"
    REVERSAL = "reversal"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What one source adds to one measure of a payee's tax year, in units of the pack's currency."""

    payee_id: UUID
    tax_year: int
    measure: str
    amount: Decimal
    pay_on: date
    """The day that decided the tax year: what is calculated for an earlier day leaves the entry out."""


def opening_differences(stated: dict[str, Decimal], known: dict[str, Decimal]) -> dict[str, Decimal]:
    """What must be added to the known opening figures so that they become the stated ones; nothing where they are."""
    added = {name: amount - known.get(name, Decimal()) for name, amount in stated.items()}
    return {name: amount for name, amount in added.items() if amount}
