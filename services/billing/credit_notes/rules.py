"""Rules of credit notes: what of an invoice's lines is taken back, to the cent."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from shared.context.lifecycle import Lifecycle
from shared.contracts.orders import TaxBreakdownRow
from shared.values.faults import FieldError, Invalid, Refused
from shared.values.money import Money, total
from shared.values.tax import TaxedLine, TaxMode, Totals
from shared.values.tax_parts import PartlyTaken, tax_parts

SERIES: Final = "CN"
FINALIZED: Final = "finalized"
LIFECYCLE = Lifecycle(
    "credit_note",
    (FINALIZED, "allocate", FINALIZED),
    (FINALIZED, "deallocate", FINALIZED),
    (FINALIZED, "refund", FINALIZED),
    (FINALIZED, "return_refund", FINALIZED),
    (FINALIZED, "send", FINALIZED),
    initial=FINALIZED,
    internal=("return_refund",),
)
"""A credit note is final from the start; what is wrong with it is corrected by a new invoice. Its credit moves."""


class NotCreditable(Refused):
    """Only a finalized invoice can be credited."""

    code = "not_creditable"


class NothingToCredit(Refused):
    """All of it was credited before, or what is left of it is worth nothing."""

    code = "nothing_to_credit"


class OverCredited(Refused):
    """More of a line would be credited than is left of it."""

    code = "over_credited"


class OfOwnInvoice(Refused):
    """What a credit note takes off the invoice it belongs to stays taken off."""

    code = "own_invoice"


class WrittenOff(Refused):
    """What would be credited was given up before, with its tax."""

    code = "written_off"


class UnknownLine(Invalid):
    """A line that the invoice does not have."""

    code = "unknown_invoice_line"


@dataclass(frozen=True, slots=True)
class Creditable:
    """A line of the invoice, and what was credited of it before."""

    line_id: UUID
    quantity: Decimal
    figures: TaxedLine
    credited_quantity: Decimal
    credited: TaxedLine
    tax_code: str
    tax_category: str
    tax_rate: Decimal

    @property
    def left(self) -> Decimal:
        """The quantity that can still be credited."""
        return self.quantity - self.credited_quantity


@dataclass(frozen=True, slots=True)
class CreditedLine:
    """So much of a line is taken back."""

    of: Creditable
    quantity: Decimal
    figures: TaxedLine


def allowed_actions(state: str, *, unallocated: int, elsewhere: int) -> list[str]:
    """The verbs a caller may use: by what is left of a credit note and what settles other invoices, in minor units."""
    idle = set() if unallocated else {"allocate", "refund"}
    if not elsewhere:
        idle.add("deallocate")
    return [verb for verb in LIFECYCLE.allowed(state) if verb not in idle]


def require_not_written_off(invoiced: Totals, given_up: Money, credited: Money, wanted: Totals) -> None:
    """Refuse to credit what was given up before: nobody gets back what he was let off (an invoice's figures)."""
    if credited + given_up + wanted.gross > invoiced.gross:
        raise WrittenOff(
            f"{given_up} of this invoice was written off; reverse the write-off first, then credit it."
        )


def require_left(
    invoiced: Sequence[TaxBreakdownRow], taken: Sequence[TaxBreakdownRow], wanted: Sequence[TaxBreakdownRow]
) -> None:
    """Refuse what would correct the tax of one supply twice (Directive 2006/112/EC, art. 90).

    `taken` are the rows of earlier credit notes and standing write-offs of the invoice.
    """
    left = {(r.tax_code, r.category, r.rate): r.base.minor for r in invoiced}
    for row in (*taken, *wanted):
        left[row.tax_code, row.category, row.rate] -= row.base.minor
    if min(left.values()) < 0:
        raise WrittenOff(
            "Tax of this was corrected by a write-off; reverse the write-off first, then credit it."
        )


def parts_of(
    lines: Sequence[Creditable], asked: Sequence[tuple[UUID, Decimal]] | None
) -> list[tuple[Creditable, Decimal]]:
    """Which quantity of which line: as asked, or all that is left of every line."""
    if asked is None:
        return [(line, line.left) for line in lines if line.left]
    by_id = {line.line_id: line for line in lines}
    parts: dict[UUID, tuple[Creditable, Decimal]] = {}
    for n, (line_id, quantity) in enumerate(asked):
        pointer = f"/lines/{n}/invoice_line_id"
        if line_id not in by_id:
            sentence = f"The invoice has no line {line_id}."
            raise UnknownLine(sentence, errors=[FieldError(pointer, UnknownLine.code, sentence)])
        if line_id in parts:
            raise Invalid.field(pointer, "duplicate", "Name each line once.")
        line = by_id[line_id]
        if quantity > line.left:
            raise OverCredited(
                f"Only {line.left} of the line is left to credit.",
                invoice_line_id=line_id,
                left=str(line.left),
            )
        parts[line_id] = line, quantity
    return list(parts.values())


def credit(
    lines: Sequence[Creditable], parts: Sequence[tuple[Creditable, Decimal]], mode: TaxMode, currency: str
) -> list[CreditedLine]:
    """The figures of each part of an invoice's lines; all its credit notes together sum to it at most."""
    places = {line.line_id: index for index, line in enumerate(lines)}
    wanted = {places[line.line_id]: quantity for line, quantity in parts}
    figures = tax_parts([_partly_credited(line) for line in lines], wanted, mode, currency)
    return [CreditedLine(line, quantity, figures[places[line.line_id]]) for line, quantity in parts]


def _partly_credited(line: Creditable) -> PartlyTaken:
    return PartlyTaken(
        line.figures, line.quantity, line.tax_code, line.tax_rate, line.tax_category, line.credited_quantity,
        line.credited,
    )  # fmt: skip


def totals_of(lines: Sequence[CreditedLine], currency: str) -> Totals:
    """The credit note's totals; a credit note of nothing is refused."""
    net = total((line.figures.net for line in lines), currency)
    tax = total((line.figures.tax for line in lines), currency)
    if (net + tax).minor <= 0:
        raise NothingToCredit("Nothing is left to credit of this, or it is worth nothing.")
    return Totals(net, tax, net + tax)


def breakdown_of(lines: Sequence[CreditedLine], currency: str) -> list[TaxBreakdownRow]:
    """One row per tax code, category and rate, in order of first appearance."""
    groups: dict[tuple[str, str, Decimal], list[CreditedLine]] = {}
    for line in lines:
        groups.setdefault((line.of.tax_code, line.of.tax_category, line.of.tax_rate), []).append(line)
    return [
        TaxBreakdownRow(
            tax_code=code,
            category=category,
            rate=rate,
            base=total((line.figures.net for line in members), currency),
            tax=total((line.figures.tax for line in members), currency),
        )
        for (code, category, rate), members in groups.items()
    ]
