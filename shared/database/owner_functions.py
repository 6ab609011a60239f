"""Trigger functions that run with their owner's rights: each serves its table, and finds no names of its caller's."""

GUARD_FUNCTIONS = """
do $$
declare
  served record;
  guarded text;
  unnamed regprocedure;
begin
  for served in
    select p.proname, format('%I.%I', n.nspname, c.relname) as name, pg_get_functiondef(p.oid) as definition
    from pg_trigger t join pg_proc p on p.oid = t.tgfoid join pg_class c on c.oid = t.tgrelid
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = '{service}' and p.prosecdef and not t.tgisinternal and p.prosrc not like '%tg_relid <>%'
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
  for unnamed in
    select oid from pg_proc
    where pronamespace = '{service}'::regnamespace and prorettype = 'trigger'::regtype
      and not coalesce(array_to_string(proconfig, ',') like '%search_path=%', false)
  loop
    execute format('alter function %s set search_path = {service}, pg_temp', unnamed);
  end loop;
end $$;
"""


def guard_functions(service: str) -> str:
    """SQL by which a migration guards the trigger functions it has made or replaced; those that are guarded stay.

    One that runs as the owner believes the rows it is handed, so it serves its own table only; each has a plain `begin`
    on a line of its own, where the guard goes. Names are looked up in the service's schema, whatever the caller's
    search path says. Functions that triggers call with the caller's rights are granted by name.
    """
    return GUARD_FUNCTIONS.replace("{service}", service)
