"""What the admin resources may ask of the running gateway: known services and scopes, telling, forgetting."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Request

from shared.context.ctx import Ctx, TenantFacts

Read = Callable[[Ctx, str, str, str], Awaitable[tuple[int, bytes]]]  # of a service, a path, with a query


@dataclass(frozen=True, slots=True)
class Control:
    """Handed to actions by their routes.

    `tell` puts a tenant's facts to one service and answers what went wrong, or None. `push` does so for
    whatever that tenant's services have not been told yet, and notes it. `forget` drops what the pipeline
    remembers of a tenant and its credentials. `owner` says which service has a resource, if any is known to; `silent`
    are the services that have not told theirs. `read` asks a service for a list as the caller of a ctx, with a query;
    the answer's status and body, or `ProxyError`.
    """

    services: Callable[[], tuple[str, ...]]
    scopes: Callable[[], frozenset[str]]
    tell: Callable[[TenantFacts, str], Awaitable[str | None]]
    push: Callable[[UUID], Awaitable[None]]
    forget: Callable[[UUID], None]
    owner: Callable[[str], str | None]
    silent: Callable[[], Collection[str]]
    read: Read


def _control(request: Request) -> Control:
    return cast(Control, request.app.state.control)


ControlDep = Annotated[Control, Depends(_control)]
