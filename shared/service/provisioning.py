"""Provisioning: the gateway tells each service what a tenant is; the service makes what a tenant needs.

`PUT /internal/tenants` carries the wanted facts and is safe to repeat. It is not below /v1: no client reaches it.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

import structlog
from fastapi import FastAPI
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.base import telemetry
from shared.context.ctx import Ctx, TenantFacts
from shared.context.unit_of_work import unit_of_work
from shared.database.pool import DatabaseAway
from shared.http import problems
from shared.http.request_transaction import EdgeState
from shared.values import clock
from shared.values.faults import Fault, Forbidden, Malformed, Unavailable

PATH = "/internal/tenants"
SCOPE = "internal:provision"
Provision = Callable[[Ctx], Awaitable[object]]

log = structlog.get_logger()


def _time_zone(name: str) -> str:
    try:
        clock.zone(name)
    except (LookupError, OSError, ValueError) as error:
        raise ValueError(f"{name!r} is not a time zone") from error
    return name


class TenantWanted(BaseModel):
    """A tenant as the gateway wants it known."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    version: int
    name: str
    legal_name: str
    country: str
    currency: str
    time_zone: Annotated[str, AfterValidator(_time_zone)]
    kind: Literal["live", "sandbox", "provider"]
    state: str
    clock_offset_seconds: float = Field(default=0.0, ge=0, le=100 * 366 * 86400, allow_inf_nan=False)

    @classmethod
    def of(cls, facts: TenantFacts) -> "TenantWanted":
        """The wire form of a tenant's facts."""
        return cls(
            id=facts.id,
            version=facts.version,
            name=facts.name,
            legal_name=facts.legal_name,
            country=facts.country,
            currency=facts.currency,
            time_zone=facts.time_zone,
            kind=facts.kind,
            state=facts.state,
            clock_offset_seconds=facts.clock_offset.total_seconds(),
        )

    def facts(self) -> TenantFacts:
        """The facts as the kernel keeps them."""
        values = self.model_dump(exclude={"clock_offset_seconds"})
        return TenantFacts(**values, clock_offset=timedelta(seconds=self.clock_offset_seconds))


class Provisioning:
    """The route by which the gateway makes a tenant known to a service."""

    def __init__(self, edge: EdgeState, functions: Sequence[Provision]) -> None:
        """`functions` make what a tenant needs here; each may be called again for a tenant it has seen."""
        self._edge = edge
        self._functions = functions

    async def reply(self, request: Request) -> Response:
        """Store the tenant, or say what is wrong with it."""
        trace_id = telemetry.trace_id(request.headers.get("traceparent", "") or telemetry.new_traceparent())
        try:
            await self._provision(request)
        except Fault as fault:
            return problems.problem(fault, trace_id=trace_id)
        except DatabaseAway:
            return problems.problem(Unavailable("The database is away; try again."), trace_id=trace_id)
        except Exception:
            log.exception("provisioning failed", trace_id=trace_id)
            return problems.problem_response(
                500, "internal_error", "The tenant could not be made known.", trace_id
            )
        return JSONResponse({"status": "known"})

    async def _provision(self, request: Request) -> None:
        token = request.headers.get("x-internal-token")
        caller = await self._edge.verifier.verify(token.encode("latin-1") if token else None)
        if SCOPE not in caller.scopes:
            raise Forbidden(f"This needs the scope {SCOPE}.", code="missing_scope", scope=SCOPE)
        try:
            facts = TenantWanted.model_validate_json(await request.body()).facts()
        except ValidationError as error:
            raise Malformed(f"Not a tenant: {error.error_count()} field(s) are wrong.") from error
        if facts.id != caller.tenant.id:
            raise Forbidden("The token is for another tenant.")
        runtime = self._edge.runtime
        request_id = request.headers.get("x-request-id", "provision")
        async with unit_of_work(
            runtime, facts, caller.actor, request_id=request_id, scopes=caller.scopes
        ) as ctx:
            await runtime.tenants.store(ctx.tx, facts)
            for function in self._functions:
                await function(ctx)


def add_provisioning(app: FastAPI, edge: EdgeState, functions: Sequence[Provision]) -> None:
    """Mount the route."""
    app.add_route(PATH, Provisioning(edge, functions).reply, methods=["PUT"], include_in_schema=False)
