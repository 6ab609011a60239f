"""A numbered document never changes; a void has a credit note of its own; what an e-invoice asks of the seller.

Documents keep the seller's names and country from now on. Those that were numbered before get what the tenant is called
today: that is what they have shown until now. Invoices that were voided before have no cancelling credit note, and get
none: no number is taken for a day that is past.

Countries whose rate we do not know had `standard` and `reduced` seeded as standard rated at 0 %, which no e-invoice may
say (BR-S-05). What is still as it was seeded becomes out of scope, as it is seeded now; figures do not change by it,
and documents keep the category that they state. Orders changes its copies alike (orders_0019).
"""

from shared.database.alembic import run
from shared.database.owner_functions import guard_functions

revision = "billing_0014"
down_revision = "billing_0013"

TABLES = """
alter table sellers
  add column contact jsonb,
  add column electronic_address text,
  add column payment_terms_text text,
  add column e_invoice_required boolean not null default false;
alter table credit_notes
  add column cancels boolean not null default false,
  alter column entry_id drop not null,
  drop constraint credit_notes_gross_minor_check;
alter table credit_notes
  add constraint credit_notes_of_something check (gross_minor > 0 or cancels and gross_minor = 0),
  add constraint credit_notes_posted check (entry_id is not null or cancels),
  add constraint credit_notes_cancelling_settle_nothing check (not cancels or unallocated_minor = 0);
create unique index credit_notes_cancelling on credit_notes (tenant_id, invoice_id) where cancels;
"""

# The owner sees the rows for the length of this transaction only.
HELD = ("tenants", "invoices", "credit_notes", "tax_codes")
OPEN = "\n".join(f"alter table {table} no force row level security;" for table in HELD)
CLOSE = "\n".join(f"alter table {table} force row level security;" for table in HELD)
SELLERS = """
alter table invoices disable trigger invoice_guarded;
update invoices d set seller = n.names || coalesce(d.seller, '{}')
from (select tenant_id, jsonb_build_object('name', name, 'legal_name', legal_name, 'country', country) as names
      from tenants) n
where d.tenant_id = n.tenant_id and d.number is not null;
alter table invoices enable trigger invoice_guarded;
update credit_notes d set seller = n.names || coalesce(d.seller, '{}')
from (select tenant_id, jsonb_build_object('name', name, 'legal_name', legal_name, 'country', country) as names
      from tenants) n
where d.tenant_id = n.tenant_id;
"""
KEPT = """
alter table invoices add constraint invoices_seller_kept check (state = 'draft' or seller is not null);
alter table credit_notes alter column seller set not null;
"""

# What moves is named, so that a column which comes later is kept from its first day. Written off, lost and refunded
# amounts come with a later revision.
GUARDS = """
create or replace function guard_invoice() returns trigger language plpgsql as $$
declare
  moving text[] := '{state,version,updated_at,open_minor,paid_minor,credited_minor,written_off_minor,lost_minor}';
  kept invoices;
begin
  if old.state = 'draft' then
    return new;
  end if;
  -- What payments move, without the cost of JSON: they come many at a time.
  kept := new;
  kept.state := old.state;
  kept.version := old.version;
  kept.updated_at := old.updated_at;
  kept.open_minor := old.open_minor;
  kept.paid_minor := old.paid_minor;
  kept.credited_minor := old.credited_minor;
  if kept is distinct from old and to_jsonb(old) - moving is distinct from to_jsonb(new) - moving then
    raise exception using errcode = 'BO001', message = 'invoice_final',
      detail = 'A finalized invoice never changes; void it or credit it.';
  end if;
  return new;
end $$;

create function guard_credit_note() returns trigger language plpgsql as $$
declare moving text[] := '{version,updated_at,unallocated_minor,refunded_minor}';
begin
  if tg_op = 'DELETE' or to_jsonb(old) - moving is distinct from to_jsonb(new) - moving then
    raise exception using errcode = 'BO001', message = 'credit_note_final',
      detail = 'A credit note never changes.';
  end if;
  return new;
end $$;
create trigger credit_note_guarded before update or delete on credit_notes
  for each row execute function guard_credit_note();
"""
TAX_CODES = """
update tax_codes set category = 'O', version = version + 1, updated_at = now()
where category = 'S' and rate = 0 and valid_from = date '2000-01-01' and (code, name) in (
  ('standard', 'Standard (no national sales tax: set state tax)'), ('standard', 'Standard (rate not known: set it)'),
  ('reduced', 'Reduced (no national sales tax: set state tax)'), ('reduced', 'Reduced (rate not known: set it)'));
"""


def upgrade() -> None:
    """Add the columns, give numbered documents what they lack, and let nothing change them any more."""
    run(TABLES)
    for script in (OPEN, SELLERS, TAX_CODES, CLOSE, KEPT, GUARDS):
        run(script)
    run(guard_functions("billing"))
