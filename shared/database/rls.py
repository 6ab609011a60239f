"""Tenancy in the database: roles, row-level security, and the guard that refuses to start without them.

Every service has a schema and three roles of its own: an owner that only migrations use, an app role that is
subject to row-level security, and a worker role that sees the kernel's queues (outbox, inbox, due times, jobs)
over all tenants and nothing else.
"""

import asyncio
import hashlib
import hmac
import random

import asyncpg

from shared.database.pool import IDLE_IN_TRANSACTION_TIMEOUT, LOCK_TIMEOUT, STATEMENT_TIMEOUT

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
"""


def app_role(service: str) -> str:
    """The role requests and consumers run under."""
    return f"backoffice_{service}_app"


def worker_role(service: str) -> str:
    """The role relay, inbox, scheduler and job runner look for work under."""
    return f"backoffice_{service}_worker"


def owner_role(service: str) -> str:
    """The role that owns the tables; nobody logs in as it."""
    return f"backoffice_{service}_owner"


def role_password(secret: str, role: str) -> str:
    """A login role's password, derived from the deployment's one role secret (HMAC-SHA-256)."""
    return hmac.new(secret.encode(), role.encode(), hashlib.sha256).hexdigest()


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


def roles_and_schema(service: str, secret: str) -> str:
    """SQL that creates a service's schema and roles; safe to run again, also sets the passwords anew."""
    owner, app, worker = owner_role(service), app_role(service), worker_role(service)
    parts = [APP_SCHEMA]
    parts.append(
        f"do $$ begin if not exists (select from pg_roles where rolname = '{owner}') then "
        f"create role {owner} nologin nosuperuser nobypassrls; end if; end $$;"
    )
    for role in (app, worker):
        password = role_password(secret, role)
        parts.append(
            f"do $$ begin if not exists (select from pg_roles where rolname = '{role}') then "
            f"create role {role} login nosuperuser nobypassrls nocreatedb nocreaterole; end if; end $$; "
            f"alter role {role} password '{password}'; "
            f"alter role {role} set search_path = {service}; "
            f"alter role {role} set statement_timeout = '{STATEMENT_TIMEOUT}'; "
            f"alter role {role} set lock_timeout = '{LOCK_TIMEOUT}'; "
            f"alter role {role} set idle_in_transaction_session_timeout = '{IDLE_IN_TRANSACTION_TIMEOUT}';"
        )
    parts.append(
        f"grant {owner} to current_user; "
        f"create schema if not exists {service}; alter schema {service} owner to {owner}; "
        f"grant usage on schema {service} to {app}, {worker}; grant usage on schema app to {owner}, {app}, {worker};"
    )
    return "\n".join(parts)


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


async def boot_guard(sql: asyncpg.Connection, service: str) -> None:
    """Refuse to start under a role that row-level security does not bind, or over an unprotected table."""
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
