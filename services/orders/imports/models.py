"""Tables of order imports."""

from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.orders.base import OrdersRow


def _count() -> Any:  # noqa: ANN401 - a field
    return Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})


class OrderImport(OrdersRow, table=True):
    """One file of orders: how it is read, how far it is, what came of it."""

    __tablename__ = "order_imports"

    state: str = Field(sa_type=Text)
    file_name: str = Field(sa_type=Text)
    blob_id: UUID | None = Field(default=None, sa_type=Uuid)
    options: dict[str, Any] = Field(sa_type=JSONB)
    rows_total: int = _count()
    rows_done: int = _count()
    rows_failed: int = _count()
    rows_skipped: int = _count()
    orders_created: int = _count()
    orders_failed: int = _count()
    orders_skipped: int = _count()
    error_code: str | None = Field(default=None, sa_type=Text)
    error_message: str | None = Field(default=None, sa_type=Text)


# Without classes, since plain SQL reads and writes them. `order_import_files` has the bytes of imports that began
# before files were blobs; nothing is added to it.
OrderImportFile = Table(
    "order_import_files",
    OrdersRow.metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    ForeignKeyConstraint(["tenant_id", "id"], ["order_imports.tenant_id", "order_imports.id"]),
)

OrderImportRow = Table(
    "order_import_rows",
    OrdersRow.metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("import_id", Uuid, nullable=False),
    Column("row", BigInteger, nullable=False),
    Column("order_ref", Text),
    Column("status", Text, nullable=False),
    Column("code", Text),
    Column("message", Text),
    Column("order_id", Uuid),
    UniqueConstraint("tenant_id", "import_id", "row", name="order_import_rows_row_key"),
    ForeignKeyConstraint(["tenant_id", "import_id"], ["order_imports.tenant_id", "order_imports.id"]),
    Index("order_import_rows_by_status", "tenant_id", "import_id", "status", "row"),
)
