"""The opening of the books, fiscal years, closing entries, months that close in order, an account for cash.

So far each month closed by itself. An open one before a closed one is closed here, which its timeline says: nothing is
posted before a closed month any more. Books with entries before 1990 open with their first entry. Whoever has the
standard chart gets account 1010, unless there is one of that code.
"""

from alembic import op
from sqlalchemy import text

from shared.database.alembic import run
from shared.database.owner_functions import guard_functions
from shared.database.rls import app_role, owner_role, protect
from shared.values.ids import new_id

revision = "billing_0013"
down_revision = "billing_0012"

TABLES = """
create table books (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  opened_on date,
  fiscal_year_starts smallint not null default 1 check (fiscal_year_starts between 1 and 12),
  primary key (tenant_id, id)
);
alter table journal_entries add column kind text not null default 'ordinary'
  constraint journal_entries_kind check (kind in ('ordinary', 'closing'));
create index journal_entries_closing on journal_entries (tenant_id, effective_on) where kind = 'closing';
"""

# Posting holds the tenant's lock shared, closing holds it exclusively, both until they commit. A lock for each month
# would not do: who closes a month closes all before it, also those that are only about to come to be.
LOCK = """
create function ledger_books_key(tenant uuid) returns bigint
language sql immutable parallel safe as $$ select hashtextextended(tenant::text || 'b', 0) $$;
"""

PERIODS = """
create or replace function ledger_period_moves() returns trigger language plpgsql as $$
declare closed date;
begin
  if tg_op = 'DELETE' then
    raise exception using errcode = 'BO001', message = 'period_fixed', detail = 'Periods are never removed.';
  elsif tg_op = 'INSERT' then
    if new.state <> 'open' then
      raise exception using errcode = 'BO001', message = 'period_fixed', detail = 'A period begins open.';
    end if;
    perform pg_advisory_xact_lock_shared(ledger_books_key(new.tenant_id));
    select max(starts_on) into closed from periods
    where tenant_id = new.tenant_id and state = 'closed' and starts_on > new.starts_on;
    if closed is not null then
      perform ledger_refuse_month(new.starts_on, closed);
    end if;
    return new;
  elsif (new.tenant_id, new.id, new.starts_on) is distinct from (old.tenant_id, old.id, old.starts_on) then
    raise exception using errcode = 'BO001', message = 'period_fixed', detail = 'A period keeps its month.';
  end if;
  if new.state is distinct from old.state then
    perform pg_advisory_xact_lock(ledger_books_key(new.tenant_id));
  end if;
  return new;
end $$;

create function ledger_refuse_month(month date, closed date) returns void language plpgsql as $$
begin
  raise exception using errcode = 'BO001', message = 'period_closed', detail = case
    when closed > month then format('The period %s is closed, as %s after it is.', to_char(month, 'YYYY-MM'),
      to_char(closed, 'YYYY-MM'))
    else format('The period %s is not open.', to_char(month, 'YYYY-MM')) end;
end $$;

create function ledger_periods_in_order() returns trigger language plpgsql as $$
begin
  if exists (
    select from (select distinct tenant_id from changed) c
    join periods k on k.tenant_id = c.tenant_id and k.state = 'closed'
    join periods o on o.tenant_id = c.tenant_id and o.state = 'open' and o.starts_on < k.starts_on
  ) then
    raise exception using errcode = 'BO001', message = 'periods_out_of_order',
      detail = 'Months close oldest first and reopen newest first.';
  end if;
  return null;
end $$;
"""

ENTRIES = """
create or replace function ledger_entries_recorded() returns trigger
language plpgsql security definer set search_path = billing, pg_temp as $$
declare
  wanted record;
  month record;
  opening date;
begin
  -- Under an older snapshot the period would still look open after its close.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'the ledger is posted to under READ COMMITTED only' using errcode = '0A000';
  end if;
  for wanted in
    select tenant_id, date_trunc('month', effective_on::timestamp)::date as starts_on, min(effective_on) as first_day
    from entries group by 1, 2 order by 1, 2
  loop
    perform pg_advisory_xact_lock_shared(ledger_books_key(wanted.tenant_id));
    select max(starts_on) filter (where state = 'closed') as closed, bool_or(starts_on = wanted.starts_on) as known
    into month from periods where tenant_id = wanted.tenant_id and starts_on >= wanted.starts_on;
    if month.closed is not null or month.known is not true then
      perform ledger_refuse_month(wanted.starts_on, month.closed);
    end if;
    select opened_on into opening from books where tenant_id = wanted.tenant_id;
    if wanted.first_day < coalesce(opening, date '1990-01-01') then
      raise exception using errcode = 'BO001', message = 'before_opening',
        detail = format('The books open on %s.', coalesce(opening, date '1990-01-01'));
    end if;
  end loop;
  if exists (
    select from entries e
    where not exists (select from postings p where p.tenant_id = e.tenant_id and p.entry_id = e.id)
  ) then
    raise exception using errcode = 'BO001', message = 'unbalanced_entry',
      detail = 'An entry is inserted with all its lines in one statement.';
  end if;
  return null;
end $$;

create or replace function ledger_check_mirror(tenant uuid, entry uuid) returns void language plpgsql as $$
begin
  if exists (
    select from journal_entries e
    join journal_entries o on o.tenant_id = e.tenant_id and o.id = e.reverses_id
    where e.tenant_id = tenant and e.id = entry and (
      e.line_count <> o.line_count or e.effective_on < o.effective_on or e.kind <> o.kind or exists (
        select from postings p
        where p.tenant_id = e.tenant_id and p.entry_id = e.id and not exists (
          select from postings q
          where q.tenant_id = o.tenant_id and q.entry_id = o.id and q.line = p.line and q.account = p.account
            and q.currency = p.currency and q.amount_minor = -p.amount_minor
            and q.open_item_id is not distinct from p.open_item_id
        )
      )
    )
  ) then
    raise exception using errcode = 'BO001', message = 'reversal_differs',
      detail = 'A reversal mirrors each line of its entry, on the same day or later.';
  end if;
end $$;
drop function ledger_month_key(uuid, date);
"""

IN_ORDER = """
create trigger in_order after update on periods referencing new table as changed
  for each statement execute function ledger_periods_in_order();
"""

OLD_BOOKS = """
insert into books (tenant_id, id, opened_on)
select tenant_id, tenant_id, min(effective_on) from journal_entries where effective_on < date '1990-01-01' group by 1
"""
SKIPPED = """
select tenant_id, id, (select max(k.starts_on) from periods k
  where k.tenant_id = p.tenant_id and k.state = 'closed' and k.starts_on > p.starts_on) as closed
from periods p where p.state = 'open' order by starts_on
"""
CLOSE = """
update periods set state = 'closed', version = version + 1, updated_at = now()
where tenant_id = :tenant_id and id = :period_id
"""
CLOSED = """
insert into history (tenant_id, id, aggregate, aggregate_id, verb, from_state, to_state, why, actor_id, actor_kind, at)
values (:tenant_id, :id, 'period', :period_id, 'close', 'open', 'closed', :why, 'system', 'system', now())
"""
WITHOUT_CASH = """
select tenant_id from accounts group by 1 having bool_or(code = '1000') and not bool_or(code = '1010')
"""
CASH = """
insert into accounts (tenant_id, id, code, name, type, control)
values (:tenant_id, :id, '1010', 'Cash', 'asset', 'bank')
"""


def upgrade() -> None:
    """Create the table, close what was skipped, and enforce the order from then on."""
    for script in (TABLES, LOCK, PERIODS, ENTRIES):
        run(script)
    run(protect("billing", "books", grants="select, insert, update"))
    run(f"create policy keeper on books to {owner_role('billing')} using (true) with check (true);")
    run(OLD_BOOKS)
    _close_skipped_months()
    _add_cash()
    run(IN_ORDER)
    run(guard_functions("billing"))
    run(
        f"grant execute on function ledger_books_key(uuid), ledger_refuse_month(date, date) to {app_role('billing')};"
    )


def _close_skipped_months() -> None:
    connection = op.get_bind()
    run("alter table history no force row level security;")
    for tenant_id, period_id, closed in connection.execute(text(SKIPPED)).all():
        if closed is not None:
            why = f"nothing is posted before a closed month: {closed:%Y-%m} is closed"
            facts = {"tenant_id": tenant_id, "period_id": period_id, "id": new_id(), "why": why}
            connection.execute(text(CLOSE), facts)
            connection.execute(text(CLOSED), facts)
    run("alter table history force row level security;")


def _add_cash() -> None:
    connection = op.get_bind()
    for (tenant_id,) in connection.execute(text(WITHOUT_CASH)).all():
        connection.execute(text(CASH), {"tenant_id": tenant_id, "id": new_id()})
