"""Tables of pay items."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, ForeignKeyConstraint, Index, Numeric, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.payroll.base import PayrollRow
from services.payroll.pay_items.rules import LIFECYCLE
from shared.database.sealing import Sealed, SealedColumn
from shared.values.money import Money

NOUGHT = {"server_default": text("0")}


class PayItem(PayrollRow, table=True):
    """Something paid or taken beside salary: once, or in every period from `starts_on` to `ends_on` (inclusive).

    `order_terms` are those of a garnishment's order: kind, day, reference, creditor, protected earnings.
    """

    __tablename__ = "pay_items"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "payee_id"], ["payees.tenant_id", "payees.id"]),
        UniqueConstraint("tenant_id", "election_id", "kind", name="pay_items_election_key"),
        Index("pay_items_payee", "tenant_id", "payee_id", "state", "starts_on"),
        Index(
            "pay_items_settled", "tenant_id", "settled_by", postgresql_where=text("settled_by is not null")
        ),
    )

    payee_id: UUID
    kind: str = Field(sa_type=Text)
    code: str = Field(sa_type=Text)
    description: str | None = Field(default=None, sa_type=Text)
    recurring: bool = Field(sa_type=Boolean)
    starts_on: date
    ends_on: date | None = None
    amount: Decimal | None = Field(default=None, sa_type=Numeric)
    currency: str | None = Field(default=None, sa_type=Text)
    percent: Decimal | None = Field(default=None, sa_type=Numeric)
    treatment: str | None = Field(default=None, sa_type=Text)
    order_terms: Sealed | None = Field(default=None, sa_type=SealedColumn)
    state: str = Field(sa_type=Text)
    settled_by: UUID | None = None
    election_id: UUID | None = None

    @property
    def allowed_actions(self) -> list[str]:
        """The verbs a caller may use now; what a benefit makes is ended in hr."""
        return [] if self.election_id else LIFECYCLE.allowed(self.state)

    def set_money(self, money: Money | None) -> None:
        """Have this amount, or none."""
        self.amount = None if money is None else money.amount
        self.currency = None if money is None else money.currency

    @property
    def money(self) -> Money | None:
        """The amount with its currency."""
        if self.amount is None or self.currency is None:
            return None
        return Money.of(self.amount, self.currency)


class BenefitElection(PayrollRow, table=True):
    """A benefit as hr last told its terms and its end, whichever came first."""

    __tablename__ = "benefit_elections"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "payee_id"], ["payees.tenant_id", "payees.id"]),
        UniqueConstraint("tenant_id", "election_id", name="benefit_elections_election_key"),
    )

    payee_id: UUID
    election_id: UUID
    elected_version: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs=NOUGHT)
    terms: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    ended_version: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs=NOUGHT)
    last_day: date | None = None
