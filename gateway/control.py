"""What the admin resources may ask of the running gateway: known services and scopes, telling, forgetting."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Request

from shared.context.ctx import TenantFacts


@dataclass(frozen=True, slots=True)
class Control:
    """Handed to actions by their routes.

    `tell` puts a tenant's facts to one service and answers what went wrong, or None. `push` does so for
    whatever that tenant's services have not been told yet, and notes it. `forget` drops what the pipeline
    remembers of a tenant and its credentials.
    """

    services: Callable[[], tuple[str, ...]]
    scopes: Callable[[], frozenset[str]]
    tell: Callable[[TenantFacts, str], Awaitable[str | None]]
    push: Callable[[UUID], Awaitable[None]]
    forget: Callable[[UUID], None]


def _control(request: Request) -> Control:
    return cast(Control, request.app.state.control)


ControlDep = Annotated[Control, Depends(_control)]
