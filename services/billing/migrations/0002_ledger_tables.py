"""The tables of the general ledger: accounts, periods, entries, postings, month totals, open items, allocations.

The app role may add to them; it changes nothing but an account's name and a period's state (design:
features/billing.md section 2).
"""

from shared.database.alembic import run
from shared.database.rls import owner_role, protect

revision = "billing_0002_tables"
down_revision = "billing_0001"

TABLES = """
create table accounts (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  code text not null,
  name text not null,
  type text not null check (type in ('asset', 'liability', 'equity', 'income', 'expense')),
  currency text,
  control text check (control in ('receivable', 'payable', 'bank', 'tax')),
  primary key (tenant_id, id),
  constraint accounts_code_key unique (tenant_id, code)
);
create table periods (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  starts_on date not null check (starts_on = date_trunc('month', starts_on::timestamp)::date),
  ends_on date not null,
  state text not null check (state in ('open', 'closed')),
  primary key (tenant_id, id),
  constraint periods_starts_on_key unique (tenant_id, starts_on),
  constraint periods_one_month check (ends_on = (starts_on::timestamp + interval '1 month - 1 day')::date)
);
create table journal_entries (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  number text,
  effective_on date not null,
  memo text not null,
  source text not null,
  source_id uuid,
  line_count integer not null check (line_count >= 2),
  reverses_id uuid check (reverses_id <> id),
  actor_id text not null,
  primary key (tenant_id, id),
  constraint journal_entries_number_key unique (tenant_id, number),
  constraint journal_entries_source_key unique (tenant_id, source, source_id),
  constraint journal_entries_reverses_key unique (tenant_id, reverses_id),
  constraint journal_entries_reverses_fkey foreign key (tenant_id, reverses_id)
    references journal_entries (tenant_id, id)
);
create index journal_entries_by_day on journal_entries (tenant_id, effective_on, id);
create table open_items (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  entry_id uuid not null,
  kind text not null check (kind in ('invoice', 'credit_note', 'payment')),
  party_id uuid not null,
  account text not null,
  currency text not null,
  amount_minor bigint not null check (amount_minor <> 0),
  open_minor bigint not null,
  opened_on date not null,
  due_on date,
  number text,
  primary key (tenant_id, id),
  constraint open_items_within_amount
    check (open_minor between least(amount_minor, 0) and greatest(amount_minor, 0)),
  constraint open_items_entry_fkey foreign key (tenant_id, entry_id) references journal_entries (tenant_id, id)
);
create index open_items_still_open on open_items (tenant_id, account, party_id) where open_minor <> 0;
create index open_items_by_party on open_items (tenant_id, party_id, id);
create table postings (
  tenant_id uuid not null,
  entry_id uuid not null,
  line integer not null check (line > 0),
  account text not null,
  amount_minor bigint not null
    check (amount_minor <> 0 and amount_minor between -9000000000000000 and 9000000000000000),
  currency text not null,
  open_item_id uuid,
  dimensions jsonb not null default '{}' check (jsonb_typeof(dimensions) = 'object'),
  primary key (tenant_id, entry_id, line),
  constraint postings_entry_fkey foreign key (tenant_id, entry_id) references journal_entries (tenant_id, id),
  constraint postings_open_item_fkey foreign key (tenant_id, open_item_id) references open_items (tenant_id, id)
);
create index postings_by_account on postings (tenant_id, account, entry_id);
create index postings_by_open_item on postings (tenant_id, open_item_id) where open_item_id is not null;
create table allocations (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  from_item uuid not null,
  to_item uuid not null,
  amount_minor bigint not null check (amount_minor > 0),
  currency text not null,
  allocated_on date not null,
  reverses_id uuid check (reverses_id <> id),
  actor_id text not null,
  primary key (tenant_id, id),
  constraint allocations_two_items check (from_item <> to_item),
  constraint allocations_reverses_key unique (tenant_id, reverses_id),
  constraint allocations_from_fkey foreign key (tenant_id, from_item) references open_items (tenant_id, id),
  constraint allocations_to_fkey foreign key (tenant_id, to_item) references open_items (tenant_id, id),
  constraint allocations_reverses_fkey foreign key (tenant_id, reverses_id) references allocations (tenant_id, id)
);
create index allocations_by_from on allocations (tenant_id, from_item);
create index allocations_by_to on allocations (tenant_id, to_item);
create index allocations_by_day on allocations (tenant_id, allocated_on);
create table account_months (
  tenant_id uuid not null,
  account text not null,
  month date not null,
  currency text not null,
  shard smallint not null,
  debit_minor bigint not null check (debit_minor >= 0),
  credit_minor bigint not null check (credit_minor >= 0),
  primary key (tenant_id, account, month, currency, shard)
) with (fillfactor = 60);
"""

OWNED = ("accounts", "periods", "journal_entries", "postings", "allocations", "open_items", "account_months")
GRANTS = {
    "accounts": "select, insert, update (name, version, updated_at)",
    "periods": "select, insert, update (state, version, updated_at)",
    "account_months": "select",
}


def upgrade() -> None:
    """Create them under row-level security."""
    run(TABLES)
    for table in OWNED:
        run(protect("billing", table, grants=GRANTS.get(table, "select, insert")))
        run(
            # The trigger functions of the next revision run as the owner and join everything by the tenant of the
            # rows inserted, which the app role's policy has admitted. A second tenant condition here made the
            # planner walk through all of a tenant's rows for each posting (188 postings a second against 462).
            f"create policy keeper on {table} to {owner_role('billing')} using (true) with check (true);"
        )
