"""What invoices, credit notes and payments are found by: numbers in the order of bytes, folded references, terms.

Buyers that are known by invoices alone are found by what their invoices say.
"""

from collections.abc import Collection
from typing import Any

from alembic import op
from sqlalchemy import Row, text

from shared.database.alembic import run
from shared.database.term_tables import create_term_table, in_byte_order, in_pages
from shared.values.search_text import fold, terms_of

revision = "billing_0019"
down_revision = "billing_0018"

COLUMNS = """
create index invoices_by_order_number on invoices (tenant_id, order_number, id) where order_number is not null;
alter table payments add column search_ref text collate "C";
create index payments_by_reference on payments (tenant_id, search_ref, id) where search_ref is not null;
create index payments_by_day on payments using brin (received_on date_minmax_multi_ops)
  with (pages_per_range = 32, autosummarize = on);
"""
FOLDED = text(
    "update payments p set search_ref = n.ref from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[]), "
    "cast(:refs as text[])) as n(tenant_id, id, ref) where p.tenant_id = n.tenant_id and p.id = n.id"
)
OTHERS = text(
    "insert into customer_terms select * from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[]), "
    "cast(:terms as text[])) on conflict do nothing"
)


def upgrade() -> None:
    """Add the columns, indexes and the table, and fill them."""
    in_byte_order("invoices", "number", "order_number")
    in_byte_order("credit_notes", "number")
    run(COLUMNS)
    in_pages("reference", "payments", _fold)
    create_term_table(
        "billing", "customer_terms", "customer_id", of="customers", columns="name, email, phone, external_ref",
        terms=lambda c: terms_of(c.name, c.email, c.external_ref, phones=[c.phone]),
    )  # fmt: skip
    run("alter table customer_terms no force row level security;")
    in_pages("customer_id, customer->>'name' as name, customer->>'email' as email", "invoices", _add)
    run("alter table customer_terms force row level security;")


def _fold(rows: Collection[Row[Any]]) -> None:
    found = [row for row in rows if row.reference is not None]
    op.get_bind().execute(
        FOLDED,
        {
            "tenants": [row.tenant_id for row in found],
            "ids": [row.id for row in found],
            "refs": [fold(row.reference) for row in found],
        },
    )


def _add(rows: Collection[Row[Any]]) -> None:
    found = {(r.tenant_id, r.customer_id, term) for r in rows for term in terms_of(r.name, r.email)}
    values = {name: [each[n] for each in found] for n, name in enumerate(("tenants", "ids", "terms"))}
    op.get_bind().execute(OTHERS, values)
