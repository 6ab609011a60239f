"""What may be done to an invoice, its figures, what may be settled and voided."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal, Self
from uuid import UUID

from shared.approvals.rules import Step, steps_for
from shared.context.lifecycle import Lifecycle
from shared.contracts.orders import FulfilmentShipped
from shared.values.clock import zone
from shared.values.faults import FieldError, Invalid, NotYetKnown, Refused
from shared.values.money import Money, MoneyOutOfRange, total
from shared.values.prices import UnitPrice
from shared.values.tax import Prices, Rounding, TaxedDocument, TaxInput, TaxMode, tax_document

DRAFT, FINALIZED, VOIDED = "draft", "finalized", "voided"
SERIES = "INV"
OVERDUE = "invoice.overdue"
"""The kind of due time at which an invoice's due date has passed."""

VOID = "invoice.void"
"""The kind of approval with which an invoice is voided."""
APPROVE_SCOPE = "billing:approve"

PaymentStatus = Literal["unpaid", "part_paid", "paid", "credited"]

LIFECYCLE = Lifecycle(
    "invoice",
    (DRAFT, "finalize", FINALIZED),
    (FINALIZED, "send", FINALIZED),
    (FINALIZED, "void", VOIDED),
    (FINALIZED, "write_off", FINALIZED),
    (FINALIZED, "reopen", FINALIZED),
    initial=DRAFT,
    internal=("reopen",),
)


class UnknownCustomer(NotYetKnown):
    """Billing has not heard of the customer, and the request does not say who it is."""

    code = "unknown_customer"

    @classmethod
    def named(cls, customer_id: UUID) -> Self:
        """Refused for this customer."""
        sentence = (
            f"There is no customer {customer_id}. If orders has just made it, send this again in a moment."
        )
        return cls(sentence, errors=[FieldError("/customer_id", cls.code, sentence)])


class UnknownInvoice(Invalid):
    """Money is allocated to an invoice that there is not."""

    code = "unknown_invoice"


class InvoiceSettled(Refused):
    """Something was paid or credited on the invoice, so it cannot be voided any more."""

    code = "invoice_settled"


class InvoiceIsVoided(Refused):
    """What was issued is cancelled: its credit note is the document that counts."""

    code = "voided"


class NotADraft(Refused):
    """Only drafts may be changed or deleted."""

    code = "not_a_draft"


class OverAllocated(Refused):
    """More would be allocated to an invoice than is open of it."""

    code = "over_allocated"


class InvoiceMismatch(Refused):
    """Money of one customer, or in one currency, cannot settle an invoice of another."""

    code = "invoice_mismatch"


class FulfilmentInvoiced(Refused):
    """A fulfilment is invoiced once; an invoice or draft has it already."""

    code = "already_exists"

    @classmethod
    def by(cls, invoice_id: UUID, number: str | None) -> Self:
        """Refused for this document."""
        name = f"Invoice {number}" if number else f"Draft invoice {invoice_id}"
        return cls(f"{name} is for this fulfilment already.", invoice_id=invoice_id, number=number)


class InconsistentFigures(Refused):
    """A shipment's figures do not add up; nobody guesses which of them is meant."""

    code = "inconsistent_figures"


class NegativeInvoice(Refused):
    """At the rates of its day of supply a draft's deductions are more than its other lines."""

    code = "negative_invoice"


class AmountTooLarge(Invalid):
    """The figures are beyond what the books can hold."""

    code = "amount_too_large"


@dataclass(frozen=True, slots=True)
class PricedLine:
    """What the figures of an invoice line follow from."""

    quantity: Decimal
    unit_price: UnitPrice
    discount_percent: Decimal
    tax_code: str
    tax_category: str
    tax_rate: Decimal


def stated(money: Money) -> dict[str, str]:
    """An amount as a fact of a refusal, in its wire form."""
    return {"amount": money.text, "currency": money.currency}


def payment_status(
    state: str, *, gross: int, open_: int, paid: int, credited: int, lost: int
) -> PaymentStatus:
    """How far an invoice is settled, in minor units; one of nothing is paid as soon as it is finalized.

    Only money pays, the customer's credit included: what credit notes took back or was given up (discounts, fees,
    differences) lowers what is to be paid. With nothing left to pay an invoice is `paid` where money settled any of it,
    `credited` where none did or all of it was taken back. A bad debt (`lost`) is neither (ADR 0041).
    """
    if state != FINALIZED:
        return "unpaid"
    if gross and (open_ or lost):
        return "part_paid" if paid else "unpaid"
    return "paid" if not gross or (paid and credited < gross) else "credited"


def allowed_actions(state: str, *, open_: int, untouched: bool) -> list[str]:
    """What a caller may do with an invoice: to void it nothing may be settled, to write off something must be open."""
    idle = {"void": not untouched, "write_off": not open_}
    return [verb for verb in LIFECYCLE.allowed(state) if not idle.get(verb)]


def wanted_back(asked: Iterable[tuple[UUID, Money | None]], currency: str) -> dict[UUID, Money | None]:
    """How much is to be taken back of which invoice (none: all that settles it); each is named once."""
    wanted: dict[UUID, Money | None] = {}
    for n, (invoice_id, amount) in enumerate(asked):
        if invoice_id in wanted:
            raise Invalid.field(f"/allocations/{n}/invoice_id", "duplicate", "Name each invoice once.")
        if amount is not None and amount.currency != currency:
            sentence = f"The money is in {currency}."
            raise Invalid.field(f"/allocations/{n}/amount", "currency_mismatch", sentence)
        wanted[invoice_id] = amount
    return wanted


def steps_to_void(gross: Money, limit: Money | None) -> list[Step]:
    """Who has to approve the void of an invoice: one person above the limit, nobody without one."""
    return [] if limit is None else steps_for(gross, [Step(APPROVE_SCOPE, above=limit)])


def require_prices(prices: Sequence[UnitPrice], currency: str) -> None:
    """Refuse unit prices in another currency than the invoice's."""
    errors = [
        FieldError(f"/lines/{n}/unit_price", "currency_mismatch", f"The invoice is in {currency}.")
        for n, price in enumerate(prices)
        if price.currency != currency
    ]
    if errors:
        raise Invalid(f"{len(errors)} price(s) are not acceptable.", code=errors[0].code, errors=errors)


def require_not_negative(prices: Sequence[UnitPrice], gross: Money) -> None:
    """Refuse to deduct more than there is: lines below zero are deposits and vouchers, an invoice is never."""
    if gross.minor >= 0:
        return
    sentence = f"The invoice would come to {gross}; use a credit note."
    errors = [
        FieldError(f"/lines/{n}/unit_price", "negative_price", sentence)
        for n, price in enumerate(prices)
        if price.minor < 0
    ]
    raise Invalid(sentence, code="negative_price", errors=errors[:50])


def figures_of(
    lines: Sequence[PricedLine], *, prices: Prices, rounding: Rounding, currency: str
) -> TaxedDocument:
    """Net, tax and gross of an invoice by the one tax function."""
    inputs = [
        TaxInput(
            x.quantity,
            x.unit_price,
            x.tax_code,
            x.tax_rate,
            x.tax_category,
            discount_percent=x.discount_percent,
        )
        for x in lines
    ]
    try:
        return tax_document(inputs, TaxMode(prices, rounding), currency)
    except MoneyOutOfRange as error:
        raise AmountTooLarge("The invoice's figures are too large.") from error


def midnight_after(day: date, time_zone: str) -> datetime:
    """The instant at which a local date is over."""
    return datetime.combine(day + timedelta(days=1), time(), zone(time_zone))


def require_coherent(shipped: FulfilmentShipped) -> None:
    """Refuse a shipment whose lines, tax rows and totals contradict each other."""
    currency = shipped.currency
    try:
        sums = [
            ("net", shipped.net, total((x.net for x in shipped.lines), currency)),
            ("tax", shipped.tax, total((x.tax for x in shipped.lines), currency)),
            ("gross", shipped.gross, shipped.net + shipped.tax),
            ("gross", shipped.gross, total((x.gross for x in shipped.lines), currency)),
            ("tax", shipped.tax, total((x.tax for x in shipped.tax_breakdown), currency)),
            ("net", shipped.net, total((x.base for x in shipped.tax_breakdown), currency)),
        ]
    except ValueError as error:
        raise InconsistentFigures(f"The shipment's amounts do not go together: {error}.") from error
    for name, stated, summed in sums:
        if stated != summed:
            raise InconsistentFigures(f"The shipment states {name} {stated}, but its parts sum to {summed}.")
    if any({x.unit_price.currency, x.discount.currency} != {currency} for x in shipped.lines):
        raise InconsistentFigures(f"The shipment is in {currency}, but has a price that is not.")
    below = any((x.net.minor < 0 or x.tax.minor < 0) and x.unit_price.minor >= 0 for x in shipped.lines)
    if below or shipped.gross.minor < 0 or not shipped.lines:
        raise InconsistentFigures(
            "A shipment has at least one line, is not below zero, nor is a line whose price is not."
        )
