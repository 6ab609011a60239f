"""Tables of customers."""

from typing import Any

from sqlalchemy import Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.orders.base import OrdersRow
from shared.database.term_tables import term_table
from shared.values.party_fields import Delivery, EInvoice

NONE = {"server_default": text("'none'")}


class Customer(OrdersRow, table=True):
    """A buyer; `external_ref` is what the client company calls it, `country` that of its billing address, if known."""

    __tablename__ = "customers"
    __table_args__ = (
        UniqueConstraint("tenant_id", "external_ref", name="customers_external_ref_key"),
        Index("customers_email", "tenant_id", text("lower(email)"), "id"),
    )

    name: str = Field(sa_type=Text)
    email: str | None = Field(default=None, sa_type=Text)
    phone: str | None = Field(default=None, sa_type=Text)
    tax_id: str | None = Field(default=None, sa_type=Text)
    external_ref: str | None = Field(default=None, sa_type=Text)
    country: str | None = Field(default=None, sa_type=Text)
    billing_address: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    shipping_address: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    language: str | None = Field(default=None, sa_type=Text)
    registration_number: str | None = Field(default=None, sa_type=Text)
    buyer_reference: str | None = Field(default=None, sa_type=Text)
    electronic_address: str | None = Field(default=None, sa_type=Text)
    payment_terms_days: int | None = Field(default=None, sa_type=Integer)
    e_invoice: EInvoice = Field(default="none", sa_type=Text, sa_column_kwargs=NONE)
    delivery: Delivery = Field(default="none", sa_type=Text, sa_column_kwargs=NONE)


CUSTOMER_TERMS = term_table(OrdersRow.metadata, "customer_terms", "customer_id")
