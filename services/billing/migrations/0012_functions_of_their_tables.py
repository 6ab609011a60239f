"""What runs with the owner's rights serves the table it was made for; no trigger finds names of its caller's making.

A trigger that runs as the owner believes the rows it is handed: on any other table than its own they would be its
caller's invention. Names that a trigger looks up are those of this schema, whatever the caller's search path says. The
app role may call the one function that a trigger calls with the caller's rights; PUBLIC loses them all
(`shared.database.migrations`).
"""

from shared.database.alembic import run
from shared.database.rls import app_role

revision = "billing_0012"
down_revision = "billing_0011"

# Each function's own text with a refusal put first; one that has no plain `begin` fails the revision.
OF_ITS_TABLE = """
do $$
declare
  served record;
  guarded text;
begin
  for served in
    select p.proname, format('%I.%I', n.nspname, c.relname) as name, pg_get_functiondef(p.oid) as definition
    from pg_trigger t join pg_proc p on p.oid = t.tgfoid join pg_class c on c.oid = t.tgrelid
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'billing' and p.prosecdef and not t.tgisinternal
  loop
    guarded := regexp_replace(served.definition, E'\\nbegin\\n', format(
      E'\\nbegin\\n  if tg_relid <> %L::regclass then\\n'
      '    raise exception using errcode = ''42501'', message = %L;\\n  end if;\\n',
      served.name, served.proname || ' serves ' || served.name || ' only'));
    if guarded = served.definition then
      raise exception '% has no place for its guard', served.proname;
    end if;
    execute guarded;
  end loop;
end $$;
"""

FIXED_NAMES = """
do $$
declare trigger_function regprocedure;
begin
  for trigger_function in
    select oid from pg_proc
    where pronamespace = 'billing'::regnamespace and prorettype = 'trigger'::regtype
      and not coalesce(array_to_string(proconfig, ',') like '%search_path=%', false)
  loop
    execute format('alter function %s set search_path = billing, pg_temp', trigger_function);
  end loop;
end $$;
"""


def upgrade() -> None:
    """Guard them, fix their names, and grant what a role needs."""
    run(OF_ITS_TABLE)
    run(FIXED_NAMES)
    run(f"grant execute on function ledger_month_key(uuid, date) to {app_role('billing')};")
