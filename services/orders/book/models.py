"""Tables of the order book. They are read and written as sets in plain SQL (`queries`, `actions`)."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from services.orders.base import OrdersRow

METADATA = OrdersRow.metadata
Kind = TypeEngine[Any] | type[TypeEngine[Any]]


def _key() -> list[Column[Any]]:
    return [Column("tenant_id", Uuid, primary_key=True), Column("id", Uuid, primary_key=True)]


def _aggregate() -> list[Column[Any]]:
    instant = DateTime(timezone=True)
    return [
        *_key(),
        Column("version", BigInteger, nullable=False, server_default=text("1")),
        Column("created_at", instant, nullable=False, server_default=text("now()")),
        Column("updated_at", instant, nullable=False, server_default=text("now()")),
    ]


def _part_of(table: str, column: str, *, name: str | None = None) -> ForeignKeyConstraint:
    """A reference within the tenant."""
    return ForeignKeyConstraint(["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"], name=name)


def _needed(kind: Kind, *names: str) -> list[Column[Any]]:
    return [Column(name, kind, nullable=False) for name in names]


def _counted(kind: Kind, *names: str) -> list[Column[Any]]:
    return [Column(name, kind, nullable=False, server_default=text("0")) for name in names]


ORDERS = Table(
    "orders",
    METADATA,
    *_aggregate(),
    Column("number", Text),
    *_needed(Uuid, "customer_id"),
    *_needed(Text, "channel"),
    Column("external_ref", Text),
    *_needed(
        Text, "currency", "prices", "rounding", "state", "fulfilment_status", "payment_status", "backorder"
    ),
    Column("ship_to", JSONB),
    *_needed(Integer, "payment_terms_days"),
    *_needed(BigInteger, "net_minor", "tax_minor", "gross_minor"),
    *_needed(JSONB, "tax_breakdown"),
    *_needed(Integer, "revision"),
    *_needed(DateTime(timezone=True), "ordered_at"),
    Column("confirmed_at", DateTime(timezone=True)),
    *_counted(BigInteger, "invoiced_minor", "paid_minor", "credited_minor", "lost_minor", "taken_back_minor"),
    Column("shipped_tax", JSONB, nullable=False, server_default=text("'[]'")),
    Column("purchase_order", Text),
    Column("notes", Text),
    Column("requested_on", Date),
    Column("discount_percent", Numeric),
    *_counted(BigInteger, "discount_minor"),
    Column("charges", JSONB, nullable=False, server_default=text("'[]'")),
    Column("search_ref", Text),  # the reference, folded
    _part_of("customers", "customer_id", name="orders_customer_fkey"),
    UniqueConstraint("tenant_id", "external_ref", name="orders_external_ref_key"),
    UniqueConstraint("tenant_id", "number", name="orders_number_key"),
    Index("orders_by_customer", "tenant_id", "customer_id", "id"),
    Index("orders_by_state", "tenant_id", "state", "id"),
    Index(
        "orders_by_reference",
        "tenant_id",
        "search_ref",
        "id",
        postgresql_where=text("search_ref is not null"),
    ),
    Index(
        "orders_by_day",
        "ordered_at",
        postgresql_using="brin",
        postgresql_ops={"ordered_at": "timestamptz_minmax_multi_ops"},
        postgresql_with={"pages_per_range": 32, "autosummarize": True},
    ),
)

ORDER_LINES = Table(
    "order_lines",
    METADATA,
    *_key(),
    *_needed(Uuid, "order_id"),
    *_needed(Integer, "position"),
    *_needed(Uuid, "product_id"),
    *_needed(Text, "sku", "description"),
    *_needed(Boolean, "tracked"),
    Column("unit", Text, nullable=False, server_default=text("'C62'")),
    *_needed(Numeric, "quantity"),
    *_needed(Text, "currency"),
    *_needed(Numeric, "unit_price_minor", "discount_percent"),
    *_needed(BigInteger, "discount_minor"),
    *_needed(Text, "tax_code", "tax_category"),
    *_needed(Numeric, "tax_rate"),
    *_needed(BigInteger, "net_minor", "tax_minor", "gross_minor"),
    *_counted(Numeric, "reserved", "backordered", "shipped", "cancelled", "returned"),
    *_counted(BigInteger, "shipped_net_minor", "shipped_tax_minor", "shipped_discount_minor"),
    *_counted(BigInteger, "order_discount_minor"),
    _part_of("orders", "order_id"),
    _part_of("products", "product_id"),
    UniqueConstraint("tenant_id", "order_id", "position", name="order_lines_position_key"),
    Index(
        "order_lines_backordered",
        "tenant_id",
        "product_id",
        "id",
        postgresql_where=text("backordered > 0"),
    ),
    Index("order_lines_promised", "tenant_id", "product_id", "id", postgresql_where=text("reserved > 0")),
)

ORDER_HOLDS = Table(
    "order_holds",
    METADATA,
    *_key(),
    *_needed(Uuid, "order_id"),
    *_needed(Text, "reason", "source", "placed_by"),
    *_needed(DateTime(timezone=True), "placed_at"),
    Column("released_by", Text),
    Column("released_at", DateTime(timezone=True)),
    Column("release_reason", Text),
    _part_of("orders", "order_id"),
    Index("order_holds_active", "tenant_id", "order_id", "id", postgresql_where=text("released_at is null")),
)

FULFILMENTS = Table(
    "fulfilments",
    METADATA,
    *_aggregate(),
    *_needed(Uuid, "order_id", "warehouse_id"),
    *_needed(Text, "state"),
    Column("parcels", JSONB, nullable=False, server_default=text("'[]'")),
    Column("redirected_to", JSONB),
    Column("shipped_at", DateTime(timezone=True)),
    _part_of("orders", "order_id"),
    _part_of("warehouses", "warehouse_id"),
    Index("fulfilments_of_order", "tenant_id", "order_id", "id"),
    Index("fulfilments_by_state", "tenant_id", "state", "id"),
)

FULFILMENT_LINES = Table(
    "fulfilment_lines",
    METADATA,
    *_key(),
    *_needed(Uuid, "fulfilment_id", "order_line_id"),
    *_needed(Numeric, "quantity"),
    _part_of("fulfilments", "fulfilment_id"),
    _part_of("order_lines", "order_line_id"),
    UniqueConstraint("tenant_id", "fulfilment_id", "order_line_id", name="fulfilment_lines_line_key"),
    Index("fulfilment_lines_of_order_line", "tenant_id", "order_line_id"),
)

ORDER_INVOICES = Table(
    "order_invoices",
    METADATA,
    *_key(),
    *_needed(Uuid, "order_id"),
    Column("gross_minor", BigInteger),
    *_counted(BigInteger, "paid_minor", "credited_minor", "lost_minor", "taken_back_minor"),
    # `settled` is written by the release before and read by none after it.
    *(Column(name, Boolean, nullable=False, server_default=text("false")) for name in ("settled", "voided")),
    _part_of("orders", "order_id"),
    Index("order_invoices_of_order", "tenant_id", "order_id", "id"),
)
