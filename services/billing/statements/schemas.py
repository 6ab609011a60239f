"""Wire shapes of statements."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import Query
from pydantic import Field

from services.billing.documents.statement import Statement
from shared.values.fields import LocalDate, MoneyIO, WireModel

From = Annotated[
    LocalDate | None, Query(alias="from", description="The first day of the fiscal year, unless given.")
]
To = Annotated[LocalDate | None, Query(description="Today, unless given.")]


class StatementLineOut(WireModel):
    """What moved the balance on a day; positive is owed by the customer, negative came from it or was let off."""

    on: LocalDate
    kind: Annotated[
        str,
        Field(
            description="What made it: invoice, void, credit_note, payment, refund, cash_discount, bank_fee, rounding, "
            "bad_debt; `…_reversal` of these."
        ),
    ]
    document_id: UUID | None
    number: str | None
    memo: str
    due_on: LocalDate | None
    amount: MoneyIO
    balance: Annotated[MoneyIO, Field(description="What was owed after it.")]


class OverdueItemOut(WireModel):
    """A claim that was past its due date at the end of the statement."""

    document_id: UUID
    kind: str
    number: str | None
    due_on: LocalDate
    open: MoneyIO


class StatementAccountOut(WireModel):
    """A statement in one currency: opening + lines = closing."""

    currency: str
    opening: MoneyIO
    lines: list[StatementLineOut]
    closing: MoneyIO
    overdue: MoneyIO
    overdue_items: list[OverdueItemOut]


class StatementOut(WireModel):
    """What a customer owed, what came and went, and what it owes, per currency; the tenant's own comes first."""

    customer_id: UUID
    customer_name: str
    from_: Annotated[LocalDate, Field(serialization_alias="from")]
    to: LocalDate
    accounts: list[StatementAccountOut]

    @classmethod
    def of(cls, statement: Statement) -> Self:
        """A statement as callers see it."""
        return cls(
            customer_id=statement.customer_id,
            customer_name=statement.buyer.name,
            from_=statement.first,
            to=statement.last,
            accounts=[StatementAccountOut.model_validate(each) for each in statement.accounts],
        )
