"""Some payees at once, calculated in a process beside the event loop: their payslips, ready to be stored."""

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import orjson

from services.payroll.payslips.rules.calculating import calculate
from services.payroll.payslips.rules.ranges import TOTALS
from services.payroll.payslips.rules.refusals import CannotPay
from services.payroll.payslips.rules.rows import LineRow, PayslipRow
from services.payroll.payslips.rules.snapshots import canonical, hash_of

FAST: Final = 1  # zlib's level: the texts of steps repeat themselves, little is won by more
LINE: Final = tuple(name for name in LineRow.__slots__ if name != "payslip_id")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A payslip to be made: its id and columns that are known before, and what it is calculated from."""

    payslip_id: UUID
    payee_id: UUID
    number: str
    name: str
    columns: Mapping[str, Any]
    snapshot: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why somebody is not paid (`blocker`), or what is odd (`warning`), by a rule's or a field's name."""

    payee_id: UUID
    number: str
    name: str
    severity: str
    code: str
    message: str
    rule: str


@dataclass(frozen=True, slots=True)
class Made:
    """Payslips as they are stored: rows and lines as JSON, and the record of each, which is to be sealed."""

    rows: str
    lines: str
    records: Sequence[tuple[UUID, str]]
    problems: Sequence[Problem]


def calculate_chunk(wanted: Sequence[Wanted]) -> Made:
    """Calculate some payslips; who cannot be paid is a problem, and the others go on."""
    rows: list[PayslipRow] = []
    lines: list[LineRow] = []
    records: list[tuple[UUID, str]] = []
    problems: list[Problem] = []
    for each in wanted:
        try:
            document = calculate(each.snapshot)
        except CannotPay as refusal:
            problems.append(_problem(each, "blocker", refusal.code, refusal.message, refusal.rule))
            continue
        rows.append(_row(each, document))
        lines += [_line_row(each.payslip_id, line) for line in document["lines"]]
        records.append((each.payslip_id, pack_record({"snapshot": each.snapshot, "payslip": document})))
        problems += [_warning(each, sentence) for sentence in document["warnings"]]
    return Made(orjson.dumps(rows).decode(), orjson.dumps(lines).decode(), records, problems)


def pack_record(record: Mapping[str, Any]) -> str:
    """A record in the form in which it is sealed: compressed, as text."""
    return base64.b64encode(zlib.compress(canonical(record), FAST)).decode()


def unpack_record(text: str) -> dict[str, Any]:
    """The record again."""
    found: dict[str, Any] = orjson.loads(zlib.decompress(base64.b64decode(text)))
    return found


def _row(each: Wanted, document: Mapping[str, Any]) -> PayslipRow:
    return PayslipRow(
        id=str(each.payslip_id),
        payee_id=str(each.payee_id),
        number=each.number,
        name=each.name,
        measures={name: value for name, value in document["measures"].items() if Decimal(value)},
        item_ids=document["items"],
        input_hash=hash_of(each.snapshot),
        result_hash=hash_of(document),
        **{name: document[name] for name in TOTALS},
        **each.columns,
    )


def _line_row(payslip_id: UUID, line: Mapping[str, Any]) -> LineRow:
    return LineRow(payslip_id=str(payslip_id), **{name: line[name] for name in LINE})


def _problem(each: Wanted, severity: str, code: str, message: str, rule: str) -> Problem:
    told = f"{each.number} {each.name}: {message}"
    return Problem(each.payee_id, each.number, each.name, severity, code, told, rule)


def _warning(each: Wanted, sentence: str) -> Problem:
    """A warning by its code alone: the sentence may tell amounts, and is in the payslip's record."""
    code = sentence.partition(":")[0]
    return _problem(each, "warning", code, "there is a warning on the payslip.", f"warning.{code}")
