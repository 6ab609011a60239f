"""Keeping the services' copies of tenants equal to the gateway's: what could not be told yet is told again.

`tenant_sync` holds for each tenant and service the version wanted and the version told. A change commits the wish
and then tells at once (`push`); the loop carries what failed, with growing pauses. Telling twice does no harm,
but is spared: who tells has first put off the next try, so that the loops of several gateways share the work.
"""

import asyncio
from collections.abc import Callable, Mapping
from uuid import UUID

import orjson
import structlog

from gateway.identity.signing import KeyRing
from gateway.tenants import actions
from gateway.tenants.models import tenant_of
from gateway.tenants.queries import SELECT
from gateway.upstream.calls import call
from gateway.upstream.errors import ProxyError
from shared.base.database_errors import DATABASE_ERRORS
from shared.context.ctx import SYSTEM, TenantFacts
from shared.context.unit_of_work import Runtime, unit_of_work
from shared.http import internal_token
from shared.httpserver.asgi import AsgiApp
from shared.service.provisioning import PATH, SCOPE, TenantWanted
from shared.values.ids import new_id

log = structlog.get_logger()
OPEN = """
select distinct tenant_id from tenant_sync
where synced_version < wanted_version and next_try_at <= now() and service = any($1) limit 100
"""
CLAIM = """
update tenant_sync set next_try_at = now() + make_interval(secs => $4)
where tenant_id = $1 and synced_version < wanted_version and service = any($2) and (next_try_at <= now() or $3)
returning service
"""
AT_ONCE = 8
SPARE_SECONDS = 5.0
ERRORS = (ProxyError, *DATABASE_ERRORS)


class TenantSync:
    """Tells services about tenants."""

    def __init__(
        self,
        services: Mapping[str, AsgiApp],
        runtime: Runtime,
        keys: KeyRing,
        forget: Callable[[UUID], None],
        *,
        seconds: float,
    ) -> None:
        """`seconds`: how long a service may take."""
        self._services = services
        self._runtime = runtime
        self._keys = keys
        self._forget = forget
        self._seconds = seconds
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def tell(self, facts: TenantFacts, service: str) -> str | None:
        """Put a tenant to a service; returns what went wrong, or None."""
        token = internal_token.mint(
            self._keys.internal, audience=service, tenant=facts, actor=SYSTEM, scopes=frozenset((SCOPE,))
        )
        headers = [(b"x-internal-token", token.encode()), (b"x-request-id", str(new_id()).encode())]
        body = TenantWanted.of(facts).model_dump_json().encode()
        try:
            status, answer = await call(
                self._services[service], "PUT", PATH, headers=headers, body=body, seconds=self._seconds
            )
        except ProxyError as error:
            return f"{type(error).__name__}: {error}"[:500]
        return None if status == 200 else f"answered {status}: {_code(answer)}"

    async def push(self, tenant_id: UUID, *, at_once: bool = True) -> None:
        """Tell a tenant's services what they have not been told, and note the outcome.

        `at_once` does not wait for a pause after a failure, nor for another gateway that tells them just now.
        """
        async with self._gate:
            try:
                await self._push(tenant_id, at_once)
            except ERRORS as error:
                log.warning(
                    "telling services about a tenant failed", tenant=str(tenant_id), error=repr(error)
                )

    async def _push(self, tenant_id: UUID, at_once: bool) -> None:
        patience = self._seconds + SPARE_SECONDS
        async with self._runtime.app_db.transaction(tenant_id) as tx:
            claimed = await tx.sql.fetch(CLAIM, tenant_id, list(self._services), at_once, patience)
            row = await tx.sql.fetchrow(SELECT + "where t.tenant_id = $1", tenant_id)
        if not claimed:
            return
        waiting = [r["service"] for r in claimed]
        tenant = tenant_of(row)
        errors = await asyncio.gather(*(self.tell(tenant.facts(), service) for service in waiting))
        outcomes = dict(zip(waiting, errors, strict=True))
        for service, error in outcomes.items():
            if error is not None:
                log.warning("a service was not told", tenant=str(tenant_id), upstream=service, error=error)
        async with unit_of_work(self._runtime, tenant.facts(), SYSTEM, request_id=f"sync:{tenant_id}") as ctx:
            await actions.note_told(ctx, tenant_id, tenant.version, outcomes, running=self._services)
        self._forget(tenant_id)

    async def round(self) -> bool:
        """Look once for tenants that some service does not know yet; what fails again waits for its pause."""
        rows = await self._runtime.worker_db.repeatable(OPEN, list(self._services))
        await asyncio.gather(*(self.push(row["tenant_id"], at_once=False) for row in rows))
        return False


def _code(answer: bytes) -> str:
    try:
        return str(orjson.loads(answer).get("code"))[:100]
    except (orjson.JSONDecodeError, AttributeError):
        return "no problem document"
