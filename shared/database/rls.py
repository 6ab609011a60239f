"""Tenancy in the database: roles, row-level security, and the guard that refuses to start without them.

Every service has a schema and three roles of its own: an owner that only migrations use, an app role that is
subject to row-level security, and a worker role that sees the kernel's queues (outbox, inbox, due times, jobs)
over all tenants and nothing else.
"""

import asyncio
import hashlib
import hmac
import random
from collections.abc import Callable

import asyncpg

from shared.base.settings import KernelSettings, SecretMissing
from shared.database.pool import IDLE_IN_TRANSACTION_TIMEOUT, LOCK_TIMEOUT, STATEMENT_TIMEOUT

PREFIX = "backoffice_"
ROLE_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)

APP_SCHEMA = """
create schema if not exists app;
create or replace function app.tenant_id() returns uuid language plpgsql stable parallel safe as $$
declare v text := current_setting('app.tenant_id', true);
begin
  if v is null or v = '' then
    raise exception 'tenant context missing' using errcode = '42501';
  end if;
  return v::uuid;
end $$;
create or replace function app.provider() returns boolean language sql stable parallel safe as
  $$ select coalesce(current_setting('app.provider', true), '') = 'on' $$;
do $$ begin
  if to_regtype('app.uuidrange') is null then create type app.uuidrange as range (subtype = uuid); end if;
  if to_regtype('app.textrange') is null then
    create type app.textrange as range (subtype = text, collation = "C");
  end if;
end $$;
-- Before PUBLIC loses them: a service whose migration comes later calls them meanwhile.
do $$ declare ours name; begin
  for ours in
    select r.rolname from pg_namespace n, aclexplode(n.nspacl) with ordinality as a join pg_roles r on r.oid = a.grantee
    where n.nspname = 'app' and a.grantee <> n.nspowner order by a.ordinality
  loop
    execute format('grant execute on all routines in schema app to %I', ours);
  end loop;
end $$;
revoke execute on all routines in schema app from public;
"""


def app_role(service: str) -> str:
    """The role requests and consumers run under."""
    return f"{PREFIX}{service}_app"


def worker_role(service: str) -> str:
    """The role relay, inbox, scheduler and job runner look for work under."""
    return f"{PREFIX}{service}_worker"


def owner_role(service: str) -> str:
    """The role that owns the tables; nobody logs in as it."""
    return f"{PREFIX}{service}_owner"


def role_password(secret: str, role: str) -> str:
    """A login role's password as it is derived from the role secret (HMAC-SHA-256): none leads to another."""
    return hmac.new(secret.encode(), role.encode(), hashlib.sha256).hexdigest()


def password_setting(role: str) -> str:
    """The setting that gives a process a role's password: BACKOFFICE_PASSWORD_ORDERS_APP."""
    return f"BACKOFFICE_PASSWORD_{role.removeprefix(PREFIX).upper()}"


def password_of(settings: KernelSettings, role: str) -> str:
    """A role's password: the one the process was given, else what it can derive; raises `SecretMissing`."""
    if given := settings.passwords.get(role.removeprefix(PREFIX)):
        return given.get_secret_value()
    if settings.role_secret:
        return role_password(settings.role_secret.get_secret_value(), role)
    setting = password_setting(role)
    raise SecretMissing(
        f"There is no password of {role}. Set {setting}, or put it into a file {setting.lower()} in a folder of "
        "BACKOFFICE_SECRETS_DIR (docs/operations.md, Secrets of a process)."
    )


def quoted(text: str) -> str:
    """A text as a literal of SQL, for statements that take no parameters."""
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"E'{escaped}'"


async def make_roles(sql: asyncpg.Connection, statements: str) -> None:
    """Run statements that make or alter roles; they belong to the whole server, which no lock of a database guards.

    Where another database of the server is migrated at the same moment, PostgreSQL refuses one of the two: it
    tries again, and finds the other's roles.
    """
    for pause in ROLE_PAUSES:
        try:
            await sql.execute(statements)
        except (asyncpg.UniqueViolationError, asyncpg.DuplicateObjectError, asyncpg.InternalServerError):
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
        else:
            return
    await sql.execute(statements)


def roles_and_schema(service: str, password: Callable[[str], str]) -> str:
    """SQL that creates a service's schema and roles; safe to run again, also sets their passwords anew."""
    owner, app, worker = owner_role(service), app_role(service), worker_role(service)
    parts = [APP_SCHEMA]
    parts.append(
        f"do $$ begin if not exists (select from pg_roles where rolname = '{owner}') then "
        f"create role {owner} nologin nosuperuser nobypassrls; end if; end $$;"
    )
    parts += [
        f"do $$ begin if not exists (select from pg_roles where rolname = '{role}') then "
        f"create role {role} login nosuperuser nobypassrls nocreatedb nocreaterole; end if; end $$; "
        f"alter role {role} password {quoted(password(role))}; "
        f"alter role {role} set search_path = {service}; "
        f"alter role {role} set statement_timeout = '{STATEMENT_TIMEOUT}'; "
        f"alter role {role} set lock_timeout = '{LOCK_TIMEOUT}'; "
        f"alter role {role} set idle_in_transaction_session_timeout = '{IDLE_IN_TRANSACTION_TIMEOUT}';"
        for role in (app, worker)
    ]
    parts.append(
        f"grant {owner} to current_user; "
        f"create schema if not exists {service}; alter schema {service} owner to {owner}; "
        f"grant usage on schema {service} to {app}, {worker}; grant usage on schema app to {owner}, {app}, {worker}; "
        f"grant execute on all routines in schema app to {owner}, {app}, {worker}; "
        f"alter default privileges for role {owner} revoke execute on routines from public;"
    )
    parts.append(no_place_for_tables(app, worker, owner=owner))
    return "\n".join(parts)


def no_place_for_tables(*roles: str, owner: str = "") -> str:
    """SQL after which these roles can sign in to this database and make nothing in it, not even a temporary table.

    On a table of one's own a trigger may be put; and temporary tables are found before others of the same name. The
    owner of a schema keeps the right for its revisions. What an administrator who does not own the database may not
    take away stays as it is; `migrate` then says what the database's owner has to run.
    """
    ours = ", ".join(roles)
    keeps = (
        f"execute format('grant temporary on database %I to {owner}', current_database());" if owner else ""
    )
    return f"""
do $$ declare here record; begin
  select d.datname, pg_has_role(current_user, d.datdba, 'usage') as owned into here
  from pg_database d where d.datname = current_database();
  if here.owned then
    execute format('grant connect on database %I to {ours}', here.datname);
    execute format('revoke temporary, create on database %I from public, {ours}', here.datname);
    {keeps}
  end if;
  if exists (
    select from pg_namespace n where n.nspname = 'public' and pg_has_role(current_user, n.nspowner, 'usage')
  ) then
    revoke create on schema public from public, {ours};
  end if;
end $$;
"""  # noqa: S608 - names of ours


PLACES = """
select r.name || ' ' || p.place from unnest($1::text[]) as r(name), lateral (
  select 'temporary tables' where has_database_privilege(r.name, current_database(), 'temporary')
  union all select 'schemas' where has_database_privilege(r.name, current_database(), 'create')
  union all select 'tables in schema ' || n.nspname from pg_namespace n
  where n.nspname !~ '^pg_' and has_schema_privilege(r.name, n.oid, 'create')
) as p(place)
"""


async def require_no_place_for_tables(sql: asyncpg.Connection, *roles: str, owner: str = "") -> None:
    """Refuse a database in which one of these roles could make tables, and say what its owner has to run."""
    if not (places := [row[0] for row in await sql.fetch(PLACES, roles)]):
        return
    database, ours = await sql.fetchval("select quote_ident(current_database())"), ", ".join(roles)
    keeps = f"grant temporary on database {database} to {owner}; " if owner else ""
    raise UnsafeDatabase(
        f"Roles of ours may make what they must not ({', '.join(places)}), and this administrator may not forbid it. "
        f"Let the database's owner run: {keeps}revoke temporary, create on database {database} from public, {ours}; "
        f"revoke create on schema public from public, {ours};"
    )


def protect(
    service: str, table: str, *, grants: str = "select, insert, update, delete", worker: str = ""
) -> str:
    """SQL that puts a new table under row-level security and grants it.

    `grants` are the app role's rights (an append-only table gives `select, insert`); `worker` are the worker
    role's rights over all tenants (only the kernel's queues have any).
    """
    app, work = app_role(service), worker_role(service)
    statements = [
        f"alter table {table} enable row level security;",
        f"alter table {table} force row level security;",
        f"create policy tenant on {table} to {app} using (tenant_id = (select app.tenant_id())) "
        "with check (tenant_id = (select app.tenant_id()));",
        f"grant {grants} on {table} to {app};",
    ]
    if worker:
        statements.append(f"create policy worker on {table} to {work} using (true) with check (true);")
        statements.append(f"grant {worker} on {table} to {work};")
    return "\n".join(statements)


def over_all_tenants(table: str, statements: str) -> str:
    """SQL by which a migration changes rows of every tenant: FORCE binds the owner, too, whom no policy admits.

    The table is locked until the migration commits, so nobody reads it unprotected.
    """
    bound = f"alter table {table} force row level security;"
    return "\n".join([f"alter table {table} no force row level security;", statements, bound])


class UnsafeDatabase(RuntimeError):  # noqa: N818 - named for what it is
    """The process would run without the database's protection of tenants; it must not start."""


GUARD = """
select c.relname, c.relrowsecurity, c.relforcerowsecurity,
       exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'tenant') as has_policy,
       pg_has_role(current_user, c.relowner, 'usage') as is_owner
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relkind in ('r', 'p')
  and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped)
"""


OPEN_TO_ALL = """
select p.oid::regprocedure::text from pg_proc p
where p.pronamespace = $1::regnamespace and p.prosecdef and has_function_privilege('public', p.oid, 'execute')
"""


async def boot_guard(sql: asyncpg.Connection, service: str) -> None:
    """Refuse to start under a role that row-level security does not bind, or over an unprotected table.

    Nor where everybody may call a function that runs with its owner's rights.
    """
    role = await sql.fetchrow(
        "select rolname, rolsuper, rolbypassrls from pg_roles where rolname = current_user"
    )
    if role["rolsuper"] or role["rolbypassrls"]:
        raise UnsafeDatabase(
            f"{service}: role {role['rolname']} is not bound by row-level security (superuser or BYPASSRLS). "
            f"Run `backoffice migrate` and let the service connect as {app_role(service)}."
        )
    tables = await sql.fetch(GUARD, service)
    if not tables:
        raise UnsafeDatabase(
            f"{service}: no tables found in schema {service}. Run `backoffice migrate` first."
        )
    for table in tables:
        if table["is_owner"]:
            raise UnsafeDatabase(f"{service}: role {role['rolname']} owns table {table['relname']}.")
        if not (table["relrowsecurity"] and table["relforcerowsecurity"] and table["has_policy"]):
            raise UnsafeDatabase(
                f"{service}: table {table['relname']} lacks row-level security (ENABLE, FORCE and policy `tenant`)."
            )
    if function := await sql.fetchval(OPEN_TO_ALL, service):
        raise UnsafeDatabase(
            f"{service}: everybody may call {function}, which runs with its owner's rights. Run `backoffice migrate`."
        )
