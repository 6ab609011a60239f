"""The document of a payslip: what is shown, hashed and explained, each amount as its one text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.payroll.engine.lines import Line, LineKind, Result, Source
from services.payroll.payslips.rules.snapshots import decimal_text


@dataclass(frozen=True, slots=True)
class Booked:
    """A line with the role under which it is booked, and the pay item it comes of."""

    line: Line
    role: str
    item_id: str | None = None


def payslip_document(result: Result, booked: Sequence[Booked], snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """The payslip: its lines in order, each with what its code comes to in the tax year, and its totals."""
    to_date = {code: Decimal(amount) for code, amount in snapshot["lines_before"].items()}
    lines = []
    for place, each in enumerate(booked, 1):
        to_date[each.line.code] = to_date.get(each.line.code, Decimal()) + each.line.amount
        lines.append(_line(place, each, to_date[each.line.code]))
    return {
        "lines": lines,
        "gross": decimal_text(result.gross),
        "reimbursed": decimal_text(result.total(LineKind.REIMBURSEMENT)),
        "deductions": decimal_text(result.total(LineKind.DEDUCTION, LineKind.SACRIFICE)),
        "taxes": decimal_text(result.total(LineKind.TAX)),
        "net": decimal_text(result.net),
        "employer_cost": decimal_text(result.employer_cost),
        "measures": {name: decimal_text(value) for name, value in result.year_to_date},
        "items": [each["id"] for each in snapshot["items"] if not each["recurring"]],
        "warnings": list(result.warnings),
    }


def _line(place: int, booked: Booked, to_date: Decimal) -> dict[str, Any]:
    line = booked.line
    return {
        "position": place,
        "code": line.code,
        "kind": str(line.kind),
        "role": booked.role,
        "item_id": booked.item_id,
        "basis": None if line.basis is None else decimal_text(line.basis),
        "rate": None if line.rate is None else decimal_text(line.rate),
        "amount": decimal_text(line.amount),
        "year_to_date": decimal_text(to_date),
        "rule": line.rule or f"payroll.{line.kind}",
        "source": _source(line.source),
        "steps": [
            {"name": s.name, "inputs": dict(s.inputs), "result": s.result, "rounding": s.rounding}
            for s in line.steps
        ],
    }


def _source(source: Source | None) -> dict[str, Any] | None:
    if source is None:
        return None
    return {
        "publication": source.publication,
        "table": source.table,
        "year": source.year,
        "unconfirmed": source.unconfirmed,
    }
