"""Tax codes, the copy of orders' customers, the seller, invoices, credit notes, payments, posting exceptions."""

from shared.database.alembic import run
from shared.database.rls import protect

revision = "billing_0003"
down_revision = "billing_0002"

TABLES = """
create table tax_codes (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  code text not null,
  name text not null,
  category text not null check (category in ('S', 'Z', 'E', 'AE', 'K', 'G', 'O')),
  rate numeric not null check (rate between 0 and 100),
  valid_from date not null,
  valid_to date check (valid_to >= valid_from),
  primary key (tenant_id, id),
  constraint tax_codes_code_key unique (tenant_id, code, valid_from),
  constraint tax_codes_rateless check (category = 'S' or rate = 0)
);
create table customers (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  name text not null,
  email text,
  tax_id text,
  billing_address jsonb,
  primary key (tenant_id, id)
);
create table sellers (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  address jsonb,
  tax_id text,
  registration_number text,
  email text,
  payment_instructions text,
  primary key (tenant_id, id)
);
create table invoices (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  state text not null check (state in ('draft', 'finalized', 'voided')),
  number text,
  customer_id uuid not null,
  customer jsonb not null,
  seller jsonb,
  currency text not null,
  prices text not null default 'net' check (prices in ('net', 'gross')),
  rounding text not null default 'document' check (rounding in ('document', 'line')),
  net_minor bigint not null,
  tax_minor bigint not null,
  gross_minor bigint not null check (gross_minor >= 0),
  tax_breakdown jsonb not null,
  open_minor bigint not null default 0,
  paid_minor bigint not null default 0 check (paid_minor >= 0),
  credited_minor bigint not null default 0,
  payment_terms_days integer not null default 30 check (payment_terms_days between 0 and 365),
  issued_on date,
  due_on date,
  delivered_on date,
  order_id uuid,
  order_number text,
  fulfilment_id uuid,
  notes text,
  entry_id uuid,
  primary key (tenant_id, id),
  constraint invoices_number_key unique (tenant_id, number),
  constraint invoices_fulfilment_key unique (tenant_id, fulfilment_id),
  constraint invoices_totals check (gross_minor = net_minor + tax_minor),
  constraint invoices_numbered check ((state = 'draft') = (number is null)),
  constraint invoices_dated check (state = 'draft' or (issued_on is not null and due_on is not null)),
  constraint invoices_open check (open_minor between 0 and gross_minor and open_minor + paid_minor <= gross_minor),
  constraint invoices_credited check (credited_minor between 0 and gross_minor)
);
create index invoices_by_customer on invoices (tenant_id, customer_id, id);
create index invoices_by_order on invoices (tenant_id, order_id, id);
create index invoices_by_state on invoices (tenant_id, state, id);
create index invoices_by_issue on invoices (tenant_id, issued_on);
create index invoices_open_by_due on invoices (tenant_id, due_on, id) where open_minor > 0;
create table invoice_lines (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  invoice_id uuid not null,
  position integer not null check (position > 0),
  description text not null,
  sku text,
  quantity numeric not null check (quantity > 0),
  unit_price_minor bigint not null check (unit_price_minor >= 0),
  discount_percent numeric check (discount_percent between 0 and 100),
  discount_minor bigint not null,
  tax_code text not null,
  tax_category text not null,
  tax_rate numeric not null check (tax_rate between 0 and 100),
  net_minor bigint not null,
  tax_minor bigint not null,
  gross_minor bigint not null,
  credited_quantity numeric not null default 0,
  credited_discount_minor bigint not null default 0,
  credited_net_minor bigint not null default 0,
  credited_tax_minor bigint not null default 0,
  primary key (tenant_id, id),
  constraint invoice_lines_position_key unique (tenant_id, invoice_id, position),
  constraint invoice_lines_totals check (gross_minor = net_minor + tax_minor),
  constraint invoice_lines_credited check (credited_quantity between 0 and quantity),
  foreign key (tenant_id, invoice_id) references invoices (tenant_id, id)
);
create table payments (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  customer_id uuid not null,
  currency text not null,
  amount_minor bigint not null check (amount_minor > 0),
  unallocated_minor bigint not null,
  received_on date not null,
  method text not null,
  reference text,
  entry_id uuid not null,
  primary key (tenant_id, id),
  constraint payments_unallocated check (unallocated_minor between 0 and amount_minor)
);
create index payments_by_customer on payments (tenant_id, customer_id, id);
create index payments_unspent on payments (tenant_id, customer_id, id) where unallocated_minor > 0;
create table credit_notes (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  state text not null check (state = 'finalized'),
  number text not null,
  invoice_id uuid not null,
  customer_id uuid not null,
  seller jsonb,
  currency text not null,
  net_minor bigint not null,
  tax_minor bigint not null,
  gross_minor bigint not null check (gross_minor > 0),
  tax_breakdown jsonb not null,
  unallocated_minor bigint not null,
  reason text not null,
  issued_on date not null,
  entry_id uuid not null,
  primary key (tenant_id, id),
  constraint credit_notes_number_key unique (tenant_id, number),
  constraint credit_notes_totals check (gross_minor = net_minor + tax_minor),
  constraint credit_notes_unallocated check (unallocated_minor between 0 and gross_minor),
  foreign key (tenant_id, invoice_id) references invoices (tenant_id, id)
);
create index credit_notes_of_invoice on credit_notes (tenant_id, invoice_id, id);
create index credit_notes_by_customer on credit_notes (tenant_id, customer_id, id);
create index credit_notes_unspent on credit_notes (tenant_id, customer_id, id) where unallocated_minor > 0;
create index credit_notes_by_issue on credit_notes (tenant_id, issued_on);
create table credit_note_lines (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  credit_note_id uuid not null,
  invoice_line_id uuid not null,
  position integer not null check (position > 0),
  quantity numeric not null check (quantity > 0),
  discount_minor bigint not null,
  net_minor bigint not null,
  tax_minor bigint not null,
  gross_minor bigint not null,
  primary key (tenant_id, id),
  constraint credit_note_lines_position_key unique (tenant_id, credit_note_id, position),
  constraint credit_note_lines_totals check (gross_minor = net_minor + tax_minor),
  foreign key (tenant_id, credit_note_id) references credit_notes (tenant_id, id),
  foreign key (tenant_id, invoice_line_id) references invoice_lines (tenant_id, id)
);
create index credit_note_lines_of_invoice_line on credit_note_lines (tenant_id, invoice_line_id);
create table posting_exceptions (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  state text not null check (state in ('open', 'resolved', 'discarded')),
  event_type text not null,
  event_id uuid not null,
  payload jsonb not null,
  code text not null,
  reason text not null,
  primary key (tenant_id, id),
  constraint posting_exceptions_event_key unique (tenant_id, event_id)
);
create index posting_exceptions_by_state on posting_exceptions (tenant_id, state, id);
"""

GUARDS = """
create function guard_invoice() returns trigger language plpgsql as $$
begin
  if old.state <> 'draft' and (old.number, old.customer_id, old.customer, old.seller, old.currency, old.net_minor,
      old.tax_minor, old.gross_minor, old.tax_breakdown, old.issued_on, old.due_on, old.order_id, old.fulfilment_id)
    is distinct from (new.number, new.customer_id, new.customer, new.seller, new.currency, new.net_minor,
      new.tax_minor, new.gross_minor, new.tax_breakdown, new.issued_on, new.due_on, new.order_id, new.fulfilment_id)
  then
    raise exception using errcode = 'BO001', message = 'invoice_final',
      detail = 'A finalized invoice never changes; void it or credit it.';
  end if;
  return new;
end $$;
create trigger invoice_guarded before update on invoices for each row execute function guard_invoice();

create function keep_numbered() returns trigger language plpgsql as $$
begin
  if old.number is not null then
    raise exception using errcode = 'BO001', message = 'invoice_final',
      detail = 'A numbered invoice is never deleted; void it or credit it.';
  end if;
  return old;
end $$;
create trigger invoice_kept before delete on invoices for each row execute function keep_numbered();

create function guard_invoice_line() returns trigger language plpgsql as $$
begin
  if exists (select from invoices i where i.tenant_id = old.tenant_id and i.id = old.invoice_id
             and i.state <> 'draft') then
    raise exception using errcode = 'BO001', message = 'invoice_final',
      detail = 'Lines of a finalized invoice never change; credit them.';
  end if;
  return case tg_op when 'DELETE' then old else new end;
end $$;
create trigger invoice_line_kept before delete on invoice_lines for each row execute function guard_invoice_line();
create trigger invoice_line_guarded before update on invoice_lines for each row
  when ((old.description, old.quantity, old.unit_price_minor, old.discount_minor, old.tax_code, old.tax_category,
    old.tax_rate, old.net_minor, old.tax_minor, old.gross_minor) is distinct from (new.description, new.quantity,
    new.unit_price_minor, new.discount_minor, new.tax_code, new.tax_category, new.tax_rate, new.net_minor,
    new.tax_minor, new.gross_minor)) execute function guard_invoice_line();

-- Dates follow numbers. Whoever numbers holds the series' counter, so all earlier numbers are committed and
-- visible here. One that began before midnight and comes after one of the new day is begun again (40001).
create function keep_dates_in_order() returns trigger language plpgsql as $$
declare later boolean;
begin
  if tg_table_name = 'invoices' then
    later := exists (select from invoices where tenant_id = new.tenant_id and issued_on > new.issued_on);
  else
    later := exists (select from credit_notes where tenant_id = new.tenant_id and issued_on > new.issued_on);
  end if;
  if later then
    raise exception using errcode = '40001', message = 'a document of a later date was numbered meanwhile';
  end if;
  return new;
end $$;
create trigger invoice_dated before insert on invoices for each row
  when (new.number is not null) execute function keep_dates_in_order();
create trigger invoice_dated_later before update on invoices for each row
  when (old.number is null and new.number is not null) execute function keep_dates_in_order();
create trigger credit_note_dated before insert on credit_notes for each row execute function keep_dates_in_order();
"""


def upgrade() -> None:
    """Create the tables under row-level security."""
    run(TABLES)
    run(GUARDS)
    for table in (
        "tax_codes",
        "customers",
        "sellers",
        "invoices",
        "invoice_lines",
        "payments",
        "credit_notes",
    ):
        run(protect("billing", table))
    run(protect("billing", "credit_note_lines", grants="select, insert"))
    run(protect("billing", "posting_exceptions", grants="select, insert, update"))
