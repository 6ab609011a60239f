"""The bus schema of PgTransport and its one role."""

ROLE = "backoffice_bus"

# S608: no input in it. The second block renames what former versions called `lane`.
SCHEMA = f"""
do $$ begin if not exists (select from pg_roles where rolname = '{ROLE}') then
  create role {ROLE} login nosuperuser nobypassrls; end if; end $$;
alter role {ROLE} set search_path = bus;
create schema if not exists bus;
do $$ declare former text; begin
  foreach former in array array['messages', 'unrouted'] loop
    if exists (select from information_schema.columns
               where table_schema = 'bus' and table_name = former and column_name = 'lane') then
      execute format('alter table bus.%I rename column lane to ordering_key', former);
      if exists (select from pg_constraint where conname = former || '_lane_not_null') then  -- PostgreSQL 18 names it
        execute format('alter table bus.%I rename constraint %I to %I',
                       former, former || '_lane_not_null', former || '_ordering_key_not_null');
      end if;
    end if;
  end loop;
end $$;
create table if not exists bus.bindings (queue text not null, type text not null, primary key (type, queue));
create table if not exists bus.messages (
  seq bigint generated always as identity,
  queue text not null,
  ordering_key text not null,
  type text not null,
  body text not null,
  enqueued_at timestamptz not null default now(),
  primary key (queue, seq)
);
create table if not exists bus.progress (queue text primary key, handed bigint not null);
create table if not exists bus.unrouted (
  seq bigint generated always as identity primary key,
  ordering_key text not null,
  type text not null,
  body text not null,
  enqueued_at timestamptz not null default now()
);
grant usage on schema bus to {ROLE};
grant select, insert, update, delete on all tables in schema bus to {ROLE};
"""  # noqa: S608
