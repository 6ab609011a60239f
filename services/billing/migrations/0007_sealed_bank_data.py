"""How to pay the seller is sealed: a row of its own, which the seller and each numbered document name.

Rows in clear (`sellers.payment_instructions`, and copies of it in numbered documents) are sealed here, in one
transaction with the rest; that needs the keys of `BACKOFFICE_SEALING_KEYS`, and only where there are such rows. The
column stays, empty by a constraint, for programs of the release before; it goes with a later one.
"""

from itertools import groupby
from typing import Any
from uuid import UUID

from alembic import op
from sqlalchemy import text

from shared.database.alembic import keyring, run
from shared.database.rls import protect
from shared.database.sealing import Place
from shared.values.ids import new_id

revision = "billing_0007"
down_revision = "billing_0006"

TABLES = """
create table seller_payment_details (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  bank_account bytea,
  payment_instructions bytea,
  primary key (tenant_id, id)
);
alter table sellers add column payment_details_id uuid;
alter table sellers add constraint sellers_payment_details_fkey
  foreign key (tenant_id, payment_details_id) references seller_payment_details (tenant_id, id);
"""

# The owner sees the rows for the length of this transaction only. Numbered documents never change otherwise; what
# they say does not change here either.
HELD = ("sellers", "invoices", "credit_notes", "seller_payment_details", "sealing_keys")
OPEN = (
    "\n".join(f"alter table {table} no force row level security;" for table in HELD)
    + """
alter table invoices disable trigger invoice_guarded;
"""
)
CLOSE = """
alter table invoices enable trigger invoice_guarded;
""" + "\n".join(f"alter table {table} force row level security;" for table in HELD)

CLEAR = """
select tenant_id, payment_instructions as clear from sellers where payment_instructions is not null
union select tenant_id, seller->>'payment_instructions' from invoices where seller ? 'payment_instructions'
union select tenant_id, seller->>'payment_instructions' from credit_notes where seller ? 'payment_instructions'
order by tenant_id
"""
STORE = text(
    "insert into seller_payment_details (tenant_id, id, payment_instructions) values (:tenant_id, :id, :sealed)"
)
REGISTER = text(
    "insert into sealing_keys (tenant_id, key_id) values (:tenant_id, :key_id) on conflict do nothing"
)
COPIES = """
update {} d set seller = (d.seller - 'payment_instructions') || jsonb_build_object('payment_details_id', m.id)
from moved m where d.tenant_id = m.tenant_id and d.seller->>'payment_instructions' = m.clear
"""
SELLERS = """
update sellers s set payment_details_id = m.id, payment_instructions = null from moved m
where s.tenant_id = m.tenant_id and s.payment_instructions = m.clear
"""
EMPTY = """
alter table sellers add constraint sellers_nothing_in_clear check (payment_instructions is null);
"""


def upgrade() -> None:
    """Create the table and seal what stands in clear."""
    run(TABLES)
    run(protect("billing", "seller_payment_details", grants="select, insert, update"))
    run(OPEN)
    found = op.get_bind().execute(text(CLEAR)).all()
    if found:
        _seal([(row.tenant_id, row.clear) for row in found])
    run(CLOSE)
    run(EMPTY)


def _seal(found: list[tuple[UUID, str]]) -> None:
    """A row for each different text of a tenant, to which its seller and its documents are pointed."""
    keys, connection = keyring("billing"), op.get_bind()
    rows: list[dict[str, Any]] = []
    for tenant_id, texts in groupby(found, key=lambda pair: pair[0]):
        connection.execute(REGISTER, {"tenant_id": tenant_id, "key_id": keys.newest})
        for _, clear in texts:
            row_id = new_id()
            place = Place(tenant_id, "seller_payment_details", "payment_instructions", row_id)
            sealed = bytes(keys.seal(place, clear))
            rows.append({"tenant_id": tenant_id, "id": row_id, "clear": clear, "sealed": sealed})
    connection.execute(
        text("create temporary table moved (tenant_id uuid, id uuid, clear text) on commit drop")
    )
    connection.execute(STORE, rows)
    connection.execute(text("insert into moved values (:tenant_id, :id, :clear)"), rows)
    for statement in (COPIES.format("invoices"), COPIES.format("credit_notes"), SELLERS):
        connection.execute(text(statement.replace(":", "\\:")))
