"""Table of payments."""

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, Index, Text, text
from sqlmodel import Field

from services.billing.base import BillingRow
from services.billing.payments.rules import RECORDED, allowed_actions
from shared.values.money import Money


class Payment(BillingRow, table=True):
    """Money that came in; `unallocated` is the customer's credit until it is allocated."""

    __tablename__ = "payments"
    __table_args__ = (
        Index("payments_by_customer", "tenant_id", "customer_id", "id"),
        Index(
            "payments_unspent",
            "tenant_id",
            "customer_id",
            "id",
            postgresql_where=text("unallocated_minor > 0"),
        ),
        Index(
            "payments_by_reference",
            "tenant_id",
            "search_ref",
            "id",
            postgresql_where=text("search_ref is not null"),
        ),
        Index(
            "payments_by_day",
            "received_on",
            postgresql_using="brin",
            postgresql_ops={"received_on": "date_minmax_multi_ops"},
            postgresql_with={"pages_per_range": 32, "autosummarize": True},
        ),
    )

    customer_id: UUID
    currency: str = Field(sa_type=Text)
    amount_minor: int = Field(sa_type=BigInteger)
    unallocated_minor: int = Field(sa_type=BigInteger)
    refunded_minor: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    state: str = Field(
        default=RECORDED, sa_type=Text, sa_column_kwargs={"server_default": text("'recorded'")}
    )
    reversed_on: date | None = None
    received_on: date
    method: str = Field(sa_type=Text)
    reference: str | None = Field(default=None, sa_type=Text)
    entry_id: UUID
    search_ref: str | None = Field(default=None, sa_type=Text)
    """The reference, folded."""

    @property
    def amount(self) -> Money:
        """What came in."""
        return Money(self.amount_minor, self.currency)

    @property
    def unallocated(self) -> Money:
        """What of it settles nothing yet."""
        return Money(self.unallocated_minor, self.currency)

    @property
    def refunded(self) -> Money:
        """What of it went back to the customer."""
        return Money(self.refunded_minor, self.currency)

    @property
    def allowed_actions(self) -> list[str]:
        """The verbs a caller may use now."""
        return allowed_actions(
            self.state,
            amount=self.amount_minor,
            unallocated=self.unallocated_minor,
            refunded=self.refunded_minor,
        )
