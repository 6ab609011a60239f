"""A service's app: an operation is found by method and path; everything else goes the framework's way.

FastAPI matches routes one after the other through nested routers and five layers of middleware, about a fifth of
a hot request's CPU here. An operation's edge needs none of them: it renders every refusal itself. Unknown
paths, wrong methods, probes and OpenAPI still take the framework's way, so answers do not differ.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from shared.base import telemetry
from shared.http import problems
from shared.http.paths import require_plain
from shared.http.request_transaction import Handle
from shared.http.router import Operation, Router
from shared.values.faults import Malformed


@dataclass(frozen=True, slots=True)
class Target:
    """An operation by its path's segments; None stands for a parameter."""

    segments: tuple[str | None, ...]
    names: tuple[str, ...]
    handle: Handle

    def parameters(self, found: Sequence[str]) -> dict[str, str] | None:
        """The path's parameters, or None when it is not this operation's."""
        values = []
        for wanted, given in zip(self.segments, found, strict=True):
            if wanted is None:
                if not given:
                    return None
                values.append(given)
            elif wanted != given:
                return None
        return dict(zip(self.names, values, strict=True))


def _target(route: Operation) -> Target:
    parts = route.path.split("/")
    segments = tuple(None if part.startswith("{") else part for part in parts)
    names = tuple(part[1:-1] for part in parts if part.startswith("{"))
    return Target(segments, names, route.get_route_handler())


class ServiceApp(FastAPI):
    """A service's app with its operations in a table."""

    _targets: dict[tuple[str, int], list[Target]]
    operations: list[Operation]

    def add_operations(self, routers: Sequence[Router]) -> None:
        """Take a service's routers in: for OpenAPI and the framework, and into the table."""
        self._targets, self.operations = {}, []
        for router in routers:
            self.include_router(router)
            for route in router.routes:
                assert isinstance(route, Operation)
                self.operations.append(route)
                target = _target(route)
                for method in route.methods or ():
                    self._targets.setdefault((method, len(target.segments)), []).append(target)
        for targets in self._targets.values():  # a fixed segment goes before a parameter in its place
            targets.sort(key=lambda t: [part is None for part in t.segments])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an operation's request from the table, any other by the framework."""
        if scope["type"] == "http" and not scope.get("root_path"):
            try:
                require_plain(scope)
            except Malformed as fault:
                trace_id = telemetry.trace_id(telemetry.new_traceparent())
                await problems.problem(fault, trace_id=trace_id)(scope, receive, send)
                return
            found = scope["path"].split("/")
            for target in self._targets.get((scope["method"], len(found)), ()):
                parameters = target.parameters(found)
                if parameters is not None:
                    await self._call(target, parameters, scope, receive, send)
                    return
        await super().__call__(scope, receive, send)

    async def _call(
        self, target: Target, parameters: dict[str, Any], scope: Scope, receive: Receive, send: Send
    ) -> None:
        scope["app"] = self
        scope["path_params"] = parameters
        async with AsyncExitStack() as stack:
            scope["fastapi_middleware_astack"] = stack
            scope["fastapi_inner_astack"] = stack
            scope["fastapi_function_astack"] = stack
            response = await target.handle(Request(scope, receive, send))
            await response(scope, receive, send)
