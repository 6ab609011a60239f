"""Money that moves back: reversed payments, refunds, write-offs; an account for cash discounts.

Whoever has the standard chart gets the accounts that write-offs post to, unless there is one of that code. Payments
begin their timeline with the day they were recorded, by whom their entry names.
"""

from alembic import op
from sqlalchemy import text

from shared.database.alembic import run
from shared.database.rls import over_all_tenants, protect
from shared.values.ids import new_id

revision = "billing_0017"
down_revision = "billing_0016"

COLUMNS = """
alter table invoices add column written_off_minor bigint not null default 0,
  add column lost_minor bigint not null default 0,
  drop constraint invoices_open,
  add constraint invoices_open check (open_minor between 0 and gross_minor and paid_minor <= gross_minor
    and open_minor + paid_minor + written_off_minor <= gross_minor),
  add constraint invoices_written_off check (written_off_minor >= 0 and lost_minor between 0 and written_off_minor);
alter table payments add column state text not null default 'recorded' check (state in ('recorded', 'reversed')),
  add column refunded_minor bigint not null default 0 check (refunded_minor >= 0),
  add column reversed_on date,
  drop constraint payments_unallocated,
  add constraint payments_unallocated check (unallocated_minor >= 0
    and unallocated_minor + refunded_minor <= amount_minor),
  add constraint payments_reversed check ((state = 'reversed') = (reversed_on is not null)
    and (state = 'recorded' or (unallocated_minor = 0 and refunded_minor = 0)));
alter table credit_notes add column refunded_minor bigint not null default 0 check (refunded_minor >= 0),
  drop constraint credit_notes_unallocated,
  add constraint credit_notes_unallocated check (unallocated_minor >= 0
    and unallocated_minor + refunded_minor <= gross_minor);
"""
TABLES = """
create table refunds (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  state text not null check (state in ('paid', 'returned')),
  customer_id uuid not null,
  payment_id uuid,
  credit_note_id uuid,
  currency text not null,
  amount_minor bigint not null check (amount_minor > 0),
  method text not null,
  reason text not null,
  refunded_on date not null,
  entry_id uuid not null,
  primary key (tenant_id, id),
  constraint refunds_of_one check ((payment_id is null) <> (credit_note_id is null)),
  constraint refunds_payment_fkey foreign key (tenant_id, payment_id) references payments (tenant_id, id),
  constraint refunds_credit_note_fkey foreign key (tenant_id, credit_note_id) references credit_notes (tenant_id, id),
  constraint refunds_entry_fkey foreign key (tenant_id, entry_id) references journal_entries (tenant_id, id)
);
create index refunds_by_customer on refunds (tenant_id, customer_id, id);
create index refunds_of_payment on refunds (tenant_id, payment_id, id) where payment_id is not null;
create index refunds_of_credit_note on refunds (tenant_id, credit_note_id, id) where credit_note_id is not null;
create table write_offs (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  state text not null check (state in ('recorded', 'reversed')),
  invoice_id uuid not null,
  customer_id uuid not null,
  kind text not null check (kind in ('cash_discount', 'bank_fee', 'rounding', 'bad_debt')),
  currency text not null,
  amount_minor bigint not null check (amount_minor > 0),
  tax_minor bigint not null check (tax_minor between 0 and amount_minor),
  tax_breakdown jsonb not null,
  reason text not null,
  effective_on date not null,
  entry_id uuid not null,
  primary key (tenant_id, id),
  constraint write_offs_tax check (tax_minor = 0 or kind in ('cash_discount', 'bad_debt')),
  constraint write_offs_invoice_fkey foreign key (tenant_id, invoice_id) references invoices (tenant_id, id),
  constraint write_offs_entry_fkey foreign key (tenant_id, entry_id) references journal_entries (tenant_id, id)
);
create index write_offs_of_invoice on write_offs (tenant_id, invoice_id, id);
create index write_offs_by_customer on write_offs (tenant_id, customer_id, id);
"""
BEGUN = """
insert into history (tenant_id, id, aggregate, aggregate_id, verb, from_state, to_state, why, actor_id, actor_kind, at)
select p.tenant_id, p.id, 'payment', p.id, 'create', null, 'recorded', null, e.actor_id, 'client', p.created_at
from payments p join journal_entries e on e.tenant_id = p.tenant_id and e.id = p.entry_id
on conflict do nothing;
"""
LACKING = """
select tenant_id from accounts group by 1
having bool_or(code = '4000') and not bool_or(code = :code)
"""
ADD = """
insert into accounts (tenant_id, id, code, name, type) values (:tenant_id, :id, :code, :name, :type)
"""
ACCOUNTS = (
    ("4800", "Cash discounts given", "income"),
    ("4900", "Rounding differences", "income"),
    ("6400", "Bank fees", "expense"),
    ("6500", "Bad debts", "expense"),
)


def upgrade() -> None:
    """Add columns and tables, begin timelines, add the accounts."""
    run(COLUMNS)
    run(TABLES)
    for table in ("refunds", "write_offs"):
        run(protect("billing", table, grants="select, insert, update"))
    run(over_all_tenants("history", over_all_tenants("payments", BEGUN)))
    connection = op.get_bind()
    for code, name, type_ in ACCOUNTS:
        for (tenant_id,) in connection.execute(text(LACKING), {"code": code}).all():
            facts = {"tenant_id": tenant_id, "id": new_id(), "code": code, "name": name, "type": type_}
            connection.execute(text(ADD), facts)
