"""Rules of tenants: states, the services they may subscribe to, refusals."""

from collections.abc import Iterable
from enum import StrEnum

from shared.context.lifecycle import Lifecycle
from shared.values.faults import Forbidden, Refused

SUBSCRIBABLE = ("orders", "billing", "payroll", "hr", "helpdesk")


class TenantState(StrEnum):
    """Where a tenant stands."""

    PROVISIONING = "provisioning"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


LIFECYCLE = Lifecycle(
    "tenant",
    (TenantState.PROVISIONING, "activate", TenantState.ACTIVE),
    (TenantState.ACTIVE, "suspend", TenantState.SUSPENDED),
    (TenantState.SUSPENDED, "resume", TenantState.ACTIVE),
    (TenantState.PROVISIONING, "close", TenantState.CLOSED),
    (TenantState.ACTIVE, "close", TenantState.CLOSED),
    (TenantState.SUSPENDED, "close", TenantState.CLOSED),
    initial=TenantState.PROVISIONING,
    internal=("activate",),
)


class OperatorsOnly(Forbidden):
    """Only the provider's operators may do this, and not while they act for a client company."""

    code = "operators_only"


class ProviderStays(Refused):
    """The provider cannot suspend or close itself: nobody could undo it."""

    code = "provider_stays"


class TenantClosed(Refused):
    """A closed tenant does not change any more."""

    code = "tenant_closed"


def subscribed(services: Iterable[str]) -> list[str]:
    """Services in the one order they are listed in, each once."""
    wanted = set(services)
    return [service for service in SUBSCRIBABLE if service in wanted]


def told_state(state: str) -> str:
    """The state services are told: a tenant still being set up is to them as good as active."""
    return TenantState.ACTIVE if state == TenantState.PROVISIONING else state
