"""Tables of warehouses and stock.

Stock items and movements are only ever read and written as sets, by plain SQL: they have no row class.
"""

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlmodel import Field

from services.orders.base import OrdersRow

NOW = text("now()")
NOUGHT = text("0")


class Warehouse(OrdersRow, table=True):
    """A place where stock lies; `MAIN` is there from the start."""

    __tablename__ = "warehouses"
    __table_args__ = (UniqueConstraint("tenant_id", "code", name="warehouses_code_key"),)

    code: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)


STOCK_ITEMS = Table(
    "stock_items",
    OrdersRow.metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("product_id", Uuid, primary_key=True),
    Column("warehouse_id", Uuid, primary_key=True),
    Column("on_hand", Numeric, nullable=False, server_default=NOUGHT),
    Column("reserved", Numeric, nullable=False, server_default=NOUGHT),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("short", Numeric, nullable=False, server_default=NOUGHT),
    Column("owed", Boolean, nullable=False, server_default=text("false")),
    ForeignKeyConstraint(["tenant_id", "product_id"], ["products.tenant_id", "products.id"]),
    ForeignKeyConstraint(["tenant_id", "warehouse_id"], ["warehouses.tenant_id", "warehouses.id"]),
)
STOCK_MOVEMENTS = Table(
    "stock_movements",
    OrdersRow.metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("product_id", Uuid, nullable=False),
    Column("warehouse_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("delta", Numeric, nullable=False),
    Column("on_hand_after", Numeric, nullable=False),
    Column("reason", Text),
    Column("reference_id", Uuid),
    Column("actor_id", Text, nullable=False),
    ForeignKeyConstraint(
        ["tenant_id", "product_id", "warehouse_id"],
        ["stock_items.tenant_id", "stock_items.product_id", "stock_items.warehouse_id"],
    ),
    Index("stock_movements_of_product", "tenant_id", "product_id", "id"),
)
