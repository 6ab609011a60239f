"""What orders, customers and products are found by: numbers in the order of bytes, folded references, terms.

A million orders take about a minute here; references are folded in Python, as they are where they are stored.
"""

from collections.abc import Collection
from typing import Any

from alembic import op
from sqlalchemy import Row, text

from shared.database.alembic import run
from shared.database.term_tables import create_term_table, in_byte_order, in_pages
from shared.values.search_text import fold, terms_of

revision = "orders_0016"
down_revision = "orders_0015"

COLUMNS = """
alter table orders add column search_ref text collate "C";
create index orders_by_reference on orders (tenant_id, search_ref, id) where search_ref is not null;
create index orders_by_day on orders using brin (ordered_at timestamptz_minmax_multi_ops)
  with (pages_per_range = 32, autosummarize = on);
"""
FOLDED = text(
    "update orders o set search_ref = n.ref from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[]), "
    "cast(:refs as text[])) as n(tenant_id, id, ref) where o.tenant_id = n.tenant_id and o.id = n.id"
)


def upgrade() -> None:
    """Add the columns, indexes and tables, and fill them."""
    in_byte_order("orders", "number")
    run(COLUMNS)
    in_pages("external_ref", "orders", _fold)
    create_term_table(
        "orders", "customer_terms", "customer_id", of="customers", columns="name, email, phone, external_ref",
        terms=lambda c: terms_of(c.name, c.email, c.external_ref, phones=[c.phone]),
    )  # fmt: skip
    create_term_table(
        "orders", "product_terms", "product_id", of="products", columns="sku, name",
        terms=lambda p: terms_of(p.sku, p.name),
    )  # fmt: skip


def _fold(rows: Collection[Row[Any]]) -> None:
    found = [row for row in rows if row.external_ref is not None]
    op.get_bind().execute(
        FOLDED,
        {
            "tenants": [row.tenant_id for row in found],
            "ids": [row.id for row in found],
            "refs": [fold(row.external_ref) for row in found],
        },
    )
