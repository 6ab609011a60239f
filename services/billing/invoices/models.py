"""Tables of invoices, and the copy of customers they are made out to."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Integer, Numeric, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.billing.base import BillingRow
from services.billing.invoices.rules import InvoiceFigures
from shared.database.term_tables import term_table
from shared.values.money import Money
from shared.values.party_fields import Delivery, EInvoice
from shared.values.tax import Prices, Rounding, TaxedLine
from shared.values.units import PIECE

ZERO = {"server_default": text("0")}
NONE = {"server_default": text("'none'")}


class Customer(BillingRow, table=True):
    """What billing knows of a buyer, by orders' `customer.changed`; `version` is orders' own."""

    __tablename__ = "customers"

    name: str = Field(sa_type=Text)
    email: str | None = Field(default=None, sa_type=Text)
    tax_id: str | None = Field(default=None, sa_type=Text)
    billing_address: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    phone: str | None = Field(default=None, sa_type=Text)
    external_ref: str | None = Field(default=None, sa_type=Text)
    shipping_address: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    language: str | None = Field(default=None, sa_type=Text)
    registration_number: str | None = Field(default=None, sa_type=Text)
    buyer_reference: str | None = Field(default=None, sa_type=Text)
    electronic_address: str | None = Field(default=None, sa_type=Text)
    payment_terms_days: int | None = Field(default=None, sa_type=Integer)
    e_invoice: EInvoice = Field(default="none", sa_type=Text, sa_column_kwargs=NONE)
    delivery: Delivery = Field(default="none", sa_type=Text, sa_column_kwargs=NONE)


CUSTOMER_TERMS = term_table(BillingRow.metadata, "customer_terms", "customer_id")


class Invoice(InvoiceFigures, BillingRow, table=True):
    """A demand for payment. Figures and parties are as stated on the document, never looked up again."""

    __tablename__ = "invoices"
    __table_args__ = (
        UniqueConstraint("tenant_id", "number", name="invoices_number_key"),
        UniqueConstraint("tenant_id", "fulfilment_id", name="invoices_fulfilment_key"),
        Index("invoices_by_customer", "tenant_id", "customer_id", "id"),
        Index("invoices_by_order", "tenant_id", "order_id", "id"),
        Index(
            "invoices_by_order_number",
            "tenant_id",
            "order_number",
            "id",
            postgresql_where=text("order_number is not null"),
        ),
        Index("invoices_by_state", "tenant_id", "state", "id"),
        Index("invoices_by_issue", "tenant_id", "issued_on"),
        Index("invoices_open_by_due", "tenant_id", "due_on", "id", postgresql_where=text("open_minor > 0")),
    )

    state: str = Field(sa_type=Text)
    number: str | None = Field(default=None, sa_type=Text)
    customer_id: UUID
    customer: dict[str, Any] = Field(sa_type=JSONB)
    seller: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    currency: str = Field(sa_type=Text)
    prices: Prices = Field(default="net", sa_type=Text, sa_column_kwargs={"server_default": text("'net'")})
    rounding: Rounding = Field(
        default="document", sa_type=Text, sa_column_kwargs={"server_default": text("'document'")}
    )
    net_minor: int = Field(default=0, sa_type=BigInteger)
    tax_minor: int = Field(default=0, sa_type=BigInteger)
    gross_minor: int = Field(default=0, sa_type=BigInteger)
    tax_breakdown: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB)
    open_minor: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs=ZERO)
    paid_minor: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs=ZERO)
    credited_minor: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs=ZERO)
    written_off_minor: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs=ZERO)
    lost_minor: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs=ZERO)
    payment_terms_days: int = Field(
        default=30, sa_type=Integer, sa_column_kwargs={"server_default": text("30")}
    )
    issued_on: date | None = None
    due_on: date | None = None
    delivered_on: date | None = None
    order_id: UUID | None = None
    order_number: str | None = Field(default=None, sa_type=Text)
    fulfilment_id: UUID | None = None
    notes: str | None = Field(default=None, sa_type=Text)
    purchase_order: str | None = Field(default=None, sa_type=Text)
    entry_id: UUID | None = None


class InvoiceLine(BillingRow, table=True):
    """One thing invoiced, with its final figures and what of it was credited since."""

    __tablename__ = "invoice_lines"
    __table_args__ = (
        UniqueConstraint("tenant_id", "invoice_id", "position", name="invoice_lines_position_key"),
        ForeignKeyConstraint(["tenant_id", "invoice_id"], ["invoices.tenant_id", "invoices.id"]),
    )

    invoice_id: UUID
    position: int = Field(sa_type=Integer)
    description: str = Field(sa_type=Text)
    sku: str | None = Field(default=None, sa_type=Text)
    quantity: Decimal = Field(sa_type=Numeric)
    unit: str = Field(default=PIECE, sa_type=Text, sa_column_kwargs={"server_default": text("'C62'")})
    unit_price_minor: Decimal = Field(sa_type=Numeric)
    discount_percent: Decimal | None = Field(default=None, sa_type=Numeric)
    discount_minor: int = Field(sa_type=BigInteger)
    kind: str = Field(default="item", sa_type=Text, sa_column_kwargs={"server_default": text("'item'")})
    order_discount_minor: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs=ZERO)
    tax_code: str = Field(sa_type=Text)
    tax_category: str = Field(sa_type=Text)
    tax_rate: Decimal = Field(sa_type=Numeric)
    net_minor: int = Field(sa_type=BigInteger)
    tax_minor: int = Field(sa_type=BigInteger)
    gross_minor: int = Field(sa_type=BigInteger)
    credited_quantity: Decimal = Field(default=Decimal(0), sa_type=Numeric, sa_column_kwargs=ZERO)
    credited_discount_minor: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs=ZERO)
    credited_net_minor: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs=ZERO)
    credited_tax_minor: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs=ZERO)

    def figures(self, currency: str) -> TaxedLine:
        """The line's figures as money."""
        return TaxedLine(
            net=Money(self.net_minor, currency),
            tax=Money(self.tax_minor, currency),
            gross=Money(self.gross_minor, currency),
            discount=Money(self.discount_minor, currency),
        )

    def credited(self, currency: str) -> TaxedLine:
        """What credit notes have taken of the figures so far."""
        net, tax = Money(self.credited_net_minor, currency), Money(self.credited_tax_minor, currency)
        discount = Money(self.credited_discount_minor, currency)
        return TaxedLine(net=net, tax=tax, gross=net + tax, discount=discount)


class InvoiceSettings(BillingRow, table=True):
    """What a tenant wants done with its invoices; one row per tenant, under the tenant's own id."""

    __tablename__ = "invoice_settings"

    void_limit_minor: int | None = Field(default=None, sa_type=BigInteger)
    void_limit_currency: str | None = Field(default=None, sa_type=Text)

    @property
    def void_approval_limit(self) -> Money | None:
        """Up to which gross amount an invoice is voided without approval; none: whatever the amount."""
        if self.void_limit_minor is None or self.void_limit_currency is None:
            return None
        return Money(self.void_limit_minor, self.void_limit_currency)
