"""The arithmetic an EN 16931 document must satisfy, as pure checks on its content.

Source: EN 16931-1:2017, business rules BR-CO-10, -13, -14, -15, -16, -17, the BR-*-08 family (BR-S-08,
BR-Z-08, …), BR-02 and BR-16. All comparisons are exact, except BR-CO-17: a tax amount split over partial
deliveries may be off by a rounding step, and the official validation allows anything under one unit of
the currency.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from services.billing.documents.content import DocumentContent, DocumentLine, TaxRow
from shared.values.faults import Refused

_HUNDRED = Decimal(100)
_TAX_TOLERANCE = Decimal(1)


class DocumentNotSound(Refused):
    """The content breaks a rule of EN 16931, so no receiver would take it; `violations`: one sentence for each."""

    code = "document_not_sound"


def rounded(amount: Decimal, decimals: int) -> Decimal:
    """The amount rounded half up to the currency's decimals."""
    return amount.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def net_of_prices(line: DocumentLine, decimals: int) -> Decimal:
    """Quantity × unit price − discount: the line's net when prices are stated without tax."""
    return rounded(line.quantity * line.unit_price, decimals) - line.discount


def violations(content: DocumentContent) -> tuple[str, ...]:
    """Every business rule the content breaks, as `rule: what was found`; empty when it is sound."""
    return (*_missing_facts(content), *_wrong_totals(content), *_wrong_breakdown(content))


def require_sound(content: DocumentContent) -> None:
    """Refuse content that a receiver's validation would reject."""
    found = violations(content)
    if found:
        raise DocumentNotSound("This document has no XML form.", violations=list(found))


def _missing_facts(content: DocumentContent) -> Iterator[str]:
    if content.state == "draft" or not content.number:
        yield "BR-02: a draft has no number and is not a legal document"
    if not content.lines:
        yield "BR-16: a document has at least one line"
    if content.lines and not content.tax_breakdown:
        yield "BR-CO-18: a document has at least one tax row"


def _wrong_totals(content: DocumentContent) -> Iterator[str]:
    net = sum((line.net for line in content.lines), Decimal(0))
    tax = sum((row.tax for row in content.tax_breakdown), Decimal(0))
    checks = (
        ("BR-CO-10 and BR-CO-13", "net total", content.net, "sum of line nets", net),
        ("BR-CO-14", "tax total", content.tax, "sum of tax rows", tax),
        ("BR-CO-15", "gross total", content.gross, "net + tax", content.net + content.tax),
        ("BR-CO-16", "amount due", content.due, "gross − paid", content.gross - content.paid),
    )
    for rule, name, stated, formula, expected in checks:
        if stated != expected:
            yield f"{rule}: {name} is {stated}, {formula} is {expected}"


def merged_breakdown(content: DocumentContent) -> tuple[TaxRow, ...]:
    """One tax row per category and rate, in order of appearance: codes of one rate share a row (BG-23)."""
    rows: dict[tuple[str, Decimal], TaxRow] = {}
    for row in content.tax_breakdown:
        known = rows.get((row.category, row.rate))
        merged = replace(known, base=known.base + row.base, tax=known.tax + row.tax) if known else row
        rows[row.category, row.rate] = merged
    return tuple(rows.values())


def _wrong_breakdown(content: DocumentContent) -> Iterator[str]:
    bases: dict[tuple[str, Decimal], Decimal] = defaultdict(Decimal)
    for line in content.lines:
        bases[line.tax_category, line.tax_rate] += line.net
    for row in merged_breakdown(content):
        name = f"{row.category} {row.rate} %"
        expected_tax = rounded(row.base * row.rate / _HUNDRED, content.decimals)
        if abs(row.tax - expected_tax) >= _TAX_TOLERANCE:
            yield f"BR-CO-17: tax of {name} on {row.base} is {row.tax}, not {expected_tax}"
        base = bases.pop((row.category, row.rate), Decimal(0))
        if row.base != base:
            yield f"BR-{row.category}-08: base of {name} is {row.base}, its lines sum to {base}"
    for category, rate in bases:
        yield f"BR-{category}-01: lines at {category} {rate} % have no tax row"
