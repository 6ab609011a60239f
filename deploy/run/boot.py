"""A process of its own starts patiently: database, schema and broker may come later than it does.

What is not there yet is asked for again, with a line that says what is missing, until `boot_seconds` have passed;
then the last reason is the process's last word.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import asyncpg
import structlog

from shared.base.settings import KernelSettings
from shared.database import migrations, rls
from shared.service.manifest import Service

log = structlog.get_logger()
T = TypeVar("T")
RETRY_SECONDS = 0.5
TELL_SECONDS = 5.0
CONNECT_SECONDS = 5.0


class NotReady(RuntimeError):  # noqa: N818 - a refusal named by its reason
    """What a process needs is not there; the sentence says what, and what to do."""


class Stopped(Exception):  # noqa: N818 - named for what happened
    """The process was told to stop before it had started."""


async def unless(stopping: asyncio.Event, work: Coroutine[Any, Any, T]) -> T:
    """Do some work of the start; raises `Stopped` when the process is told to stop meanwhile."""
    task = asyncio.ensure_future(work)
    stop = asyncio.ensure_future(stopping.wait())
    await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if task.done():
        return task.result()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    raise Stopped


async def patiently(what: str, attempt: Callable[[], Awaitable[T]], *, seconds: float = math.inf) -> T:
    """Try until it works or the time is up, telling now and then what is waited for."""
    deadline = time.monotonic() + seconds
    told, told_at = "", float("-inf")
    while True:
        try:
            return await attempt()
        except (NotReady, OSError, TimeoutError, asyncpg.CannotConnectNowError) as error:
            reason = str(error) or repr(error)
            now = time.monotonic()
            if now >= deadline:
                raise NotReady(f"{what} is not ready after {seconds:g} s: {reason}") from error
            if reason != told or now - told_at >= TELL_SECONDS:
                log.warning("waiting", what=what, reason=reason)
                told, told_at = reason, now
        await asyncio.sleep(min(RETRY_SECONDS, max(0.0, deadline - time.monotonic())))


async def schema_ready(service: Service, settings: KernelSettings) -> None:
    """Raise `NotReady` unless this service's roles can sign in and its schema is as new as its code."""
    name = service.name
    await _signed_in(settings, rls.app_role(name), None)
    found = await _signed_in(settings, rls.worker_role(name), name)
    if not migrations.suffices(service.migrations, found):
        raise NotReady(
            f"the schema of {name} is at {found or 'nothing'}, and this program needs "
            f"{migrations.head(service.migrations)}. Run `backoffice migrate`."
        )


async def _signed_in(settings: KernelSettings, role: str, schema: str | None) -> str | None:
    """Sign in as a role; returns the revision of a schema when one is named."""
    password = rls.password_of(settings, role)
    try:
        sql = await asyncpg.connect(
            settings.database_url, user=role, password=password, timeout=CONNECT_SECONDS
        )
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError) as error:
        raise NotReady(
            f"the database does not let {role} in ({error}). Run `backoffice migrate` with the BACKOFFICE_ROLE_SECRET "
            f"that {rls.password_setting(role)} was made of, or give this process the password of now."
        ) from error
    except asyncpg.InvalidCatalogNameError as error:
        raise NotReady(f"{error}. Create it and run `backoffice migrate`.") from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise NotReady(f"the database refuses connections: {error}") from error
    try:
        return await migrations.current_revision(sql, schema) if schema else None
    except asyncpg.InsufficientPrivilegeError as error:
        raise NotReady(f"{role} may not read its schema ({error}). Run `backoffice migrate`.") from error
    finally:
        await sql.close(timeout=CONNECT_SECONDS)
