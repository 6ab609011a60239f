"""What a customer's statement says, before it takes a form; amounts as money, positive where the customer owes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.billing.documents.content import Party
from shared.values.money import Money


@dataclass(frozen=True, slots=True)
class Line:
    """A document that moved the balance."""

    on: date
    kind: str
    document_id: UUID | None
    number: str | None
    memo: str
    due_on: date | None
    amount: Money
    balance: Money


@dataclass(frozen=True, slots=True)
class Overdue:
    """A claim past its due date, with what is open of it."""

    document_id: UUID
    kind: str
    number: str | None
    due_on: date
    open: Money


@dataclass(frozen=True, slots=True)
class Account:
    """A customer's account in one currency: opening + lines = closing."""

    currency: str
    decimals: int
    opening: Money
    lines: tuple[Line, ...]
    closing: Money
    overdue: Money
    overdue_items: tuple[Overdue, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """A customer's accounts between two days, both included; on paper in its language (ISO 639-1)."""

    customer_id: UUID
    seller: Party
    buyer: Party
    first: date
    last: date
    accounts: tuple[Account, ...]
    logo_id: UUID | None = None
    language: str = "en"
