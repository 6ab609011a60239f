"""What a payslip is calculated from, as a plain document: kept with it, so that it can be calculated again.

A document has texts, whole numbers, booleans, lists and objects only, so that it has one JSON form: keys sorted, no
spaces, decimals as texts without exponent. Two equal documents have the same bytes and the same SHA-256.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, Final
from uuid import UUID

import orjson

from services.payroll.engine.editions import checksum_of
from services.payroll.packs import packs
from services.payroll.pay_items.rules import DueItem
from services.payroll.run_facts.rules import PayeeFacts, PayStretch
from shared.values.money import CurrencyMismatch, Money

ENGINE: Final = "1"
"""Counts the changes of rules that are code and no tables: the same snapshot may give another result."""


@dataclass(frozen=True, slots=True)
class RunTerms:
    """What all payslips of a run have in common.

    `tax_on` is the day that decides tables and tax year. With `basic_pay` salary, wages and what recurs are paid, else
    only what is paid once.
    """

    kind: str
    basic_pay: bool
    pack: str
    frequency: str
    period_number: int
    period_start: date
    period_end: date
    tax_year: int
    pay_on: date
    tax_on: date


def canonical(document: Mapping[str, Any]) -> bytes:
    """The one JSON form of a document."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def hash_of(document: Mapping[str, Any]) -> str:
    """SHA-256 of a document's JSON form."""
    return hashlib.sha256(canonical(document)).hexdigest()


def decimal_text(value: Decimal) -> str:
    """A number as the one text that it has here: no exponent, no trailing zeros beyond the second decimal."""
    text = format(value, "f")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


@cache
def tables_of(pack: str) -> str:
    """SHA-256 over the checksums of all editions of a pack, those of its states included."""
    found = packs()[pack]
    checksums = {each.edition: each.checksum for each in found.editions()}
    for part, editions in found.parts().items():
        checksums |= {f"{part} {each.edition}": each.checksum for each in editions}
    return checksum_of(checksums)


def snapshot_of(
    facts: PayeeFacts,
    terms: RunTerms,
    *,
    lines_before: Mapping[str, Decimal],
    employer: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The document of one payee; without number and name, on which no amount depends.

    Its amounts have no currency beside them: raises CurrencyMismatch for one that is not in the pack's.
    """
    currency = packs()[terms.pack].currency
    items = [each for each in facts.items if terms.basic_pay or not each.recurring]
    return {
        "engine": ENGINE,
        "tables": tables_of(terms.pack),
        "run": {name: _plain(getattr(terms, name)) for name in terms.__slots__},
        "payee": {
            "id": str(facts.payee_id),
            "kind": facts.kind,
            "first_day": _plain(facts.first_day),
            "last_day": _plain(facts.last_day),
            "unused_leave_hours": _plain(facts.unused_leave_hours),
        },
        "stretches": [_stretch(each, currency) for each in facts.stretches],
        "days_away": [
            {"day": str(each.day), "hours": decimal_text(each.hours), "pay_code": each.pay_code}
            for each in facts.days_away
        ],
        "items": [_item(each, currency) for each in items],
        "declarations": facts.declarations if facts.kind == "employee" else None,
        "employer": employer,
        "year_to_date": {name: decimal_text(value) for name, value in facts.year_to_date.items()},
        "lines_before": {code: decimal_text(value) for code, value in lines_before.items()},
    }


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | int | bool):
        return value
    return decimal_text(value) if isinstance(value, Decimal) else str(value)


def _stretch(each: PayStretch, currency: str) -> dict[str, Any]:
    paid = each.compensation
    return {
        "first": str(each.first),
        "last": str(each.last),
        "weekly_hours": _plain(each.weekly_hours),
        "compensation": paid
        and {"kind": paid.kind, "amount": _money(paid.amount, currency), "per": paid.per},
    }


def _item(each: DueItem, currency: str) -> dict[str, Any]:
    return {
        "id": str(UUID(int=each.item_id.int)),
        "kind": str(each.kind),
        "code": each.code,
        "recurring": each.recurring,
        "starts_on": str(each.starts_on),
        "amount": _money(each.amount, currency),
        "percent": _plain(each.percent),
        "treatment": each.treatment and str(each.treatment),
        "garnishment": each.garnishment,
    }


def _money(amount: Money | None, currency: str) -> str | None:
    if amount is not None and amount.currency != currency:
        raise CurrencyMismatch(f"{amount.currency} is not the pack's {currency}")
    return None if amount is None else amount.text
