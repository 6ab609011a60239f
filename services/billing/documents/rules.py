"""What a document must say and how it must add up to be an e-invoice, as pure checks on its content.

Source: EN 16931-1:2017, the integrity rules (BR-1 and on), BR-CO-10, -13 to -17, -26 and BR-DEC. All comparisons are
exact, except BR-CO-17: a tax amount split over partial deliveries may be off by a rounding step, and the official
validation allows anything under one unit of the currency. Rules of the tax categories are in `tax_rules`, those of
XRechnung in `xrechnung`. Tests have the official rules judge what passes here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from services.billing.documents import tax_rules, xrechnung
from services.billing.documents.content import DocumentContent, DocumentLine, TaxRow
from services.billing.documents.violation import Violation
from services.billing.documents.xml_tools import writable
from shared.values.faults import Refused

_HUNDRED = Decimal(100)
_TAX_TOLERANCE = Decimal(1)
_CENT = Decimal("0.01")


class DocumentNotSound(Refused):
    """The content breaks rules of EN 16931, so that no receiver would take it; `reasons` names each."""

    code = "not_en16931"

    @classmethod
    def because(cls, found: tuple[Violation, ...]) -> DocumentNotSound:
        """Refused for these rules."""
        sentence = f"This document is no valid e-invoice: {'; '.join(each.message for each in found[:3])}."
        return cls(sentence, reasons=[each.facts for each in found])


def rounded(amount: Decimal, decimals: int) -> Decimal:
    """The amount rounded half up to the currency's decimals."""
    return amount.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def net_of_prices(line: DocumentLine, decimals: int) -> Decimal:
    """Quantity × unit price − discount: the line's net when prices are stated without tax."""
    return rounded(line.quantity * line.unit_price, decimals) - line.discount


def net_pricing(line: DocumentLine, decimals: int) -> tuple[Decimal, Decimal, Decimal]:
    """Quantity, price without tax (BT-146) and discount (BG-27) that lead to the line's net.

    Where the stated price includes tax, the price is derived from the net and the discount is inside it.
    A price may not be negative (BR-27): the quantity carries the sign.
    """
    quantity, price, discount = line.quantity, line.unit_price, line.discount
    if net_of_prices(line, decimals) != line.net and quantity:
        price, discount = round(line.net / quantity, 10), Decimal(0)
    return (-quantity, -price, discount) if price < 0 else (quantity, price, discount)


def violations(content: DocumentContent) -> tuple[Violation, ...]:
    """Every rule that the content breaks; none when it is a valid e-invoice of its profile."""
    own = (
        *_missing_facts(content),
        *_wrong_totals(content),
        *_wrong_breakdown(content),
        *_fractions(content),
    )
    of_profile = xrechnung.violations(content) if content.profile == "xrechnung" else ()
    return (*own, *tax_rules.violations(content), *of_profile)


def require_sound(content: DocumentContent) -> None:
    """Refuse content that a receiver's validation would reject."""
    found = violations(content)
    if found:
        raise DocumentNotSound.because(found)


def _missing_facts(content: DocumentContent) -> Iterator[Violation]:
    seller, buyer = content.seller, content.buyer
    if content.state == "draft" or not content.number:
        yield Violation("BR-02", "/number", "a draft has no number and is not a legal document")
    if not content.lines:
        yield Violation("BR-16", "/lines", "a document has at least one line")
    if content.lines and not content.tax_breakdown:
        yield Violation("BR-CO-18", "/tax_breakdown", "a document has at least one tax row")
    if not writable(buyer.registered_name).strip():
        yield Violation("BR-07", "/buyer/name", "the customer has no name")
    if not writable(seller.registered_name).strip():
        yield Violation("BR-06", "/seller/name", "the seller has no name")
    if not seller.address.country:
        yield Violation("BR-09", "/seller/address", "the seller has no address with a country")
    if not buyer.address.country:
        yield Violation("BR-11", "/buyer/address", "the customer has no address with a country")
    if not (seller.tax_id.strip() or seller.registration_number.strip()):
        yield Violation(
            "BR-CO-26", "/seller/tax_id", "the seller profile has neither a tax id nor a registration number"
        )


def _wrong_totals(content: DocumentContent) -> Iterator[Violation]:
    net = sum((line.net for line in content.lines), Decimal(0))
    tax = sum((row.tax for row in content.tax_breakdown), Decimal(0))
    checks = (
        ("BR-CO-10", "net", content.net, "sum of line nets", net),
        ("BR-CO-14", "tax", content.tax, "sum of tax rows", tax),
        ("BR-CO-15", "gross", content.gross, "net + tax", content.net + content.tax),
        ("BR-CO-16", "due", content.due, "gross − paid", content.gross - content.paid),
    )
    for rule, name, stated, formula, expected in checks:
        if stated != expected:
            yield Violation(rule, f"/{name}", f"{name} is {stated}, {formula} is {expected}")


def _fractions(content: DocumentContent) -> Iterator[Violation]:
    """Amounts finer than a hundredth: currencies of three decimals have such."""
    amounts = [
        ("BR-DEC-09", "net", content.net),
        ("BR-DEC-13", "tax", content.tax),
        ("BR-DEC-14", "gross", content.gross),
        ("BR-DEC-16", "paid", content.paid),
        ("BR-DEC-18", "due", content.due),
    ]
    for n, row in enumerate(content.tax_breakdown):
        amounts += [("BR-DEC-19", f"tax_breakdown/{n}/base", row.base)]
        amounts += [("BR-DEC-20", f"tax_breakdown/{n}/tax", row.tax)]
    for n, line in enumerate(content.lines):
        amounts += [("BR-DEC-23", f"lines/{n}/net", line.net)]
        amounts += [("BR-DEC-24", f"lines/{n}/discount", net_pricing(line, content.decimals)[2])]
    named: set[str] = set()
    for rule, name, amount in amounts:
        if amount != amount.quantize(_CENT, ROUND_HALF_UP) and rule not in named:
            named.add(rule)
            yield Violation(rule, f"/{name}", f"{name} is {amount}; an e-invoice has two decimals at most")


def merged_breakdown(content: DocumentContent) -> tuple[TaxRow, ...]:
    """One tax row per category and rate, in order of appearance: codes of one rate share a row (BG-23)."""
    rows: dict[tuple[str, Decimal], TaxRow] = {}
    for row in content.tax_breakdown:
        known = rows.get((row.category, row.rate))
        merged = replace(known, base=known.base + row.base, tax=known.tax + row.tax) if known else row
        rows[row.category, row.rate] = merged
    return tuple(rows.values())


def _wrong_breakdown(content: DocumentContent) -> Iterator[Violation]:
    bases: dict[tuple[str, Decimal], Decimal] = defaultdict(Decimal)
    for line in content.lines:
        bases[line.tax_category, line.tax_rate] += line.net
    for row in merged_breakdown(content):
        name, family = f"{row.category} {row.rate} %", tax_rules.family(row.category)
        # The official artefact rounds to two decimals in every currency, so that a yen more or less is tolerated.
        expected_tax = rounded(row.base * row.rate / _HUNDRED, max(content.decimals, 2))
        if abs(row.tax - expected_tax) >= _TAX_TOLERANCE:
            message = f"tax of {name} on {row.base} is {row.tax}, not {expected_tax}"
            yield Violation("BR-CO-17", "/tax_breakdown", message)
        base = bases.pop((row.category, row.rate), Decimal(0))
        if row.base != base:
            message = f"base of {name} is {row.base}, its lines sum to {base}"
            yield Violation(f"BR-{family}-08", "/tax_breakdown", message)
    for category, rate in bases:
        message = f"lines at {category} {rate} % have no tax row"
        yield Violation(f"BR-{tax_rules.family(category)}-01", "/tax_breakdown", message)
