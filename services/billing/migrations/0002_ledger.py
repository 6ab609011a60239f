"""What keeps the ledger true: the triggers that refuse what accounting forbids, and keep what is derived.

They hold for plain SQL as much as for our own code: entries balance, nothing is changed, closed periods stay
closed, month totals equal postings, open items equal control accounts.
"""

from shared.database.alembic import run

revision = "billing_0002"
down_revision = "billing_0002_tables"

# Posting holds the month's lock shared, closing holds it exclusively, both until they commit. A row lock would
# say the same, but every posting would then write the period's row (a multixact) only to read it.
LOCKS = """
create function ledger_month_key(tenant uuid, month date) returns bigint
language sql immutable parallel safe as
$$ select hashtextextended(tenant::text || 'm' || (month - date '2000-01-01')::text, 0) $$;

-- Whoever posts owns a shard of the month totals until it commits: hot accounts do not queue, and transactions
-- of several entries cannot deadlock. Only when all shards are taken does it wait.
create function ledger_claim_shard(tenant uuid) returns smallint language plpgsql as $$
declare
  shards constant integer := 16;
  mine integer;
begin
  for i in 0 .. shards - 1 loop
    mine := (pg_backend_pid() + i) % shards;
    if pg_try_advisory_xact_lock(hashtextextended(tenant::text || 's' || mine::text, 0)) then
      return mine;
    end if;
  end loop;
  perform pg_advisory_xact_lock(hashtextextended(tenant::text || 's' || mine::text, 0));
  return mine;
end $$;
"""

GUARDS = """
create function ledger_append_only() returns trigger language plpgsql as $$
begin
  raise exception using errcode = 'BO001', message = 'append_only',
    detail = format('Rows of %s are never changed or removed; reverse them instead.', tg_table_name);
end $$;

create function ledger_account_fixed() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or (new.tenant_id, new.id, new.code, new.type, new.currency, new.control)
      is distinct from (old.tenant_id, old.id, old.code, old.type, old.currency, old.control) then
    raise exception using errcode = 'BO001', message = 'account_fixed',
      detail = format('Account %s may be renamed, but not removed or redefined.', old.code);
  end if;
  return new;
end $$;

create function ledger_period_moves() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception using errcode = 'BO001', message = 'period_fixed', detail = 'Periods are never removed.';
  elsif tg_op = 'INSERT' then
    if new.state <> 'open' then
      raise exception using errcode = 'BO001', message = 'period_fixed', detail = 'A period begins open.';
    end if;
    return new;
  elsif (new.tenant_id, new.id, new.starts_on) is distinct from (old.tenant_id, old.id, old.starts_on) then
    raise exception using errcode = 'BO001', message = 'period_fixed', detail = 'A period keeps its month.';
  end if;
  if new.state is distinct from old.state then
    perform pg_advisory_xact_lock(ledger_month_key(new.tenant_id, new.starts_on));
  end if;
  return new;
end $$;
"""

ENTRIES = """
create function ledger_entries_recorded() returns trigger
language plpgsql security definer set search_path = billing, pg_temp as $$
declare
  wanted record;
  found_state text;
begin
  -- Under an older snapshot the period would still look open after its close.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'the ledger is posted to under READ COMMITTED only' using errcode = '0A000';
  end if;
  for wanted in
    select distinct tenant_id, date_trunc('month', effective_on::timestamp)::date as starts_on
    from entries order by 1, 2
  loop
    perform pg_advisory_xact_lock_shared(ledger_month_key(wanted.tenant_id, wanted.starts_on));
    select state into found_state from periods
    where tenant_id = wanted.tenant_id and starts_on = wanted.starts_on;
    if found_state is distinct from 'open' then
      raise exception using errcode = 'BO001', message = 'period_closed',
        detail = format('The period %s is not open.', to_char(wanted.starts_on, 'YYYY-MM'));
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
"""

POSTINGS = """
create function ledger_refuse_line(account text, known boolean, fits boolean, control text, item uuid)
returns void language plpgsql as $$
begin
  if not known then
    raise exception using errcode = 'BO001', message = 'unknown_account',
      detail = format('There is no account %s.', account);
  elsif not fits then
    raise exception using errcode = 'BO001', message = 'account_currency',
      detail = format('Account %s is kept in another currency.', account);
  elsif item is null then
    raise exception using errcode = 'BO001', message = 'control_account',
      detail = format('A posting to the %s account %s needs an open item.', control, account);
  end if;
  raise exception using errcode = 'BO001', message = 'open_item_mismatch',
    detail = format('Open item %s is not one of account %s in this currency.', item, account);
end $$;

create function ledger_postings_recorded() returns trigger
language plpgsql security definer set search_path = billing, pg_temp as $$
declare
  bad record;
  facts record;
begin
  select l.account, l.open_item_id, a.code is not null as known, a.control,
    coalesce(a.currency = l.currency, true) as fits
  into bad
  from lines l
  left join accounts a on a.tenant_id = l.tenant_id and a.code = l.account
  left join open_items i on i.tenant_id = l.tenant_id and i.id = l.open_item_id
  where a.code is null or a.currency <> l.currency
    or coalesce(a.control in ('receivable', 'payable'), false) <> (l.open_item_id is not null)
    or (l.open_item_id is not null and (i.account, i.currency) is distinct from (l.account, l.currency))
  limit 1;
  if found then
    perform ledger_refuse_line(bad.account, bad.known, bad.fits, bad.control, bad.open_item_id);
  end if;

  select count(*) filter (where e.id is null or s.unbalanced
      or e.line_count <> (select count(*) from postings p where p.tenant_id = s.tenant_id and p.entry_id = s.entry_id)
    ) as wrong,
    bool_or(e.reverses_id is not null) as reverses, bool_or(s.items) as items
  into facts
  from (
    select c.tenant_id, c.entry_id, bool_or(c.total <> 0) as unbalanced, bool_or(c.items) as items
    from (
      select tenant_id, entry_id, currency, sum(amount_minor) as total, bool_or(open_item_id is not null) as items
      from lines group by 1, 2, 3
    ) c group by 1, 2
  ) s
  left join journal_entries e on e.tenant_id = s.tenant_id and e.id = s.entry_id;
  if facts.wrong > 0 then
    raise exception using errcode = 'BO001', message = 'unbalanced_entry',
      detail = 'The lines of an entry are inserted at once and balance in each currency.';
  end if;
  if facts.reverses then
    perform ledger_check_mirror(l.tenant_id, l.entry_id) from (select distinct tenant_id, entry_id from lines) l;
  end if;

  insert into account_months as m (tenant_id, account, month, currency, shard, debit_minor, credit_minor)
  select l.tenant_id, l.account, date_trunc('month', e.effective_on::timestamp)::date, l.currency, t.shard,
    sum(greatest(l.amount_minor, 0))::bigint, sum(greatest(-l.amount_minor, 0))::bigint
  from lines l
  join (select tenant_id, ledger_claim_shard(tenant_id) as shard from lines group by 1) t
    on t.tenant_id = l.tenant_id
  join journal_entries e on e.tenant_id = l.tenant_id and e.id = l.entry_id
  group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4
  on conflict (tenant_id, account, month, currency, shard) do update
  set debit_minor = m.debit_minor + excluded.debit_minor, credit_minor = m.credit_minor + excluded.credit_minor;

  -- A line that does not open its item but moves it (a reversal) changes what is open of it.
  if facts.items then
    perform ledger_move_items(array_agg(d.tenant_id), array_agg(d.id), array_agg(d.delta))
    from (
      select i.tenant_id, i.id, sum(l.amount_minor)::bigint as delta
      from lines l join open_items i on i.tenant_id = l.tenant_id and i.id = l.open_item_id
      where i.entry_id <> l.entry_id group by 1, 2
    ) d having count(*) > 0;
  end if;
  return null;
end $$;

create function ledger_check_mirror(tenant uuid, entry uuid) returns void language plpgsql as $$
begin
  if exists (
    select from journal_entries e
    join journal_entries o on o.tenant_id = e.tenant_id and o.id = e.reverses_id
    where e.tenant_id = tenant and e.id = entry and (
      e.line_count <> o.line_count or e.effective_on < o.effective_on or exists (
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
"""

OPEN_ITEMS = """
create function ledger_move_items(tenants uuid[], items uuid[], deltas bigint[]) returns void
language plpgsql as $$
begin
  -- Locked in id order, so that two movers of the same items wait for each other instead of deadlocking.
  perform from open_items i
  where (i.tenant_id, i.id) in (select t, n from unnest(tenants, items) as u(t, n))
  order by i.tenant_id, i.id for no key update;
  if exists (
    select from open_items i join unnest(tenants, items, deltas) as u(t, n, d) on i.tenant_id = u.t and i.id = u.n
    where i.open_minor + u.d not between least(i.amount_minor, 0) and greatest(i.amount_minor, 0)
  ) then
    raise exception using errcode = 'BO001', message = 'open_item_exceeded',
      detail = 'This is more than what is open of the document.';
  end if;
  update open_items i set open_minor = i.open_minor + u.d, version = i.version + 1, updated_at = now()
  from unnest(tenants, items, deltas) as u(t, n, d) where i.tenant_id = u.t and i.id = u.n;
end $$;

create function ledger_items_opened() returns trigger
language plpgsql security definer set search_path = billing, pg_temp as $$
begin
  if exists (
    select from items i
    join journal_entries e on e.tenant_id = i.tenant_id and e.id = i.entry_id
    where i.open_minor <> i.amount_minor or i.opened_on <> e.effective_on or i.amount_minor is distinct from (
      select sum(p.amount_minor) from postings p
      where p.tenant_id = i.tenant_id and p.entry_id = i.entry_id and p.open_item_id = i.id
    )
  ) then
    raise exception using errcode = 'BO001', message = 'open_item_mismatch',
      detail = 'An open item is opened by a posting of its whole amount in the same statement.';
  end if;
  return null;
end $$;

create function ledger_items_allocated() returns trigger
language plpgsql security definer set search_path = billing, pg_temp as $$
begin
  if exists (
    select from new_allocations n
    join open_items f on f.tenant_id = n.tenant_id and f.id = n.from_item
    join open_items t on t.tenant_id = n.tenant_id and t.id = n.to_item
    left join allocations r on r.tenant_id = n.tenant_id and r.id = n.reverses_id
    where (f.account, f.currency, f.party_id) is distinct from (t.account, t.currency, t.party_id)
      or n.currency <> f.currency or sign(f.amount_minor) = sign(t.amount_minor)
      or n.allocated_on < greatest(f.opened_on, t.opened_on)
      or (n.reverses_id is not null and ((r.from_item, r.to_item, r.amount_minor, r.reverses_id)
        is distinct from (n.from_item, n.to_item, n.amount_minor, null::uuid) or n.allocated_on < r.allocated_on))
  ) then
    raise exception using errcode = 'BO001', message = 'allocation_mismatch',
      detail = 'Only a debit and a credit of one party, account and currency settle each other.';
  end if;
  perform ledger_move_items(array_agg(d.tenant_id), array_agg(d.id), array_agg(d.delta))
  from (
    select i.tenant_id, i.id,
      sum(case when n.reverses_id is null then -1 else 1 end * sign(i.amount_minor)::integer * n.amount_minor)::bigint
        as delta
    from new_allocations n join open_items i on i.tenant_id = n.tenant_id and i.id in (n.from_item, n.to_item)
    group by 1, 2
  ) d having count(*) > 0;
  return null;
end $$;
"""

TRIGGERS = """
create trigger fixed before update or delete on accounts for each row execute function ledger_account_fixed();
create trigger moves before insert or update or delete on periods
  for each row execute function ledger_period_moves();
create trigger recorded after insert on journal_entries referencing new table as entries
  for each statement execute function ledger_entries_recorded();
create trigger recorded after insert on postings referencing new table as lines
  for each statement execute function ledger_postings_recorded();
create trigger opened after insert on open_items referencing new table as items
  for each statement execute function ledger_items_opened();
create trigger allocated after insert on allocations referencing new table as new_allocations
  for each statement execute function ledger_items_allocated();
"""


def upgrade() -> None:
    """Create them."""
    for script in (LOCKS, GUARDS, ENTRIES, OPEN_ITEMS, POSTINGS, TRIGGERS):
        run(script)
    refuse = "execute function ledger_append_only();"
    for table in ("journal_entries", "postings", "allocations"):
        run(f"create trigger append_only before update or delete on {table} for each row {refuse}")
        run(f"create trigger never_emptied before truncate on {table} for each statement {refuse}")
