"""Rules of tenants: states, the services they may subscribe to, refusals."""

from collections.abc import Collection, Sequence
from enum import StrEnum

from shared.context.lifecycle import Lifecycle
from shared.values.faults import Forbidden, Invalid, Refused


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


def subscribed(wanted: Sequence[str], *, running: Collection[str]) -> list[str]:
    """The wanted services in the order of those behind this gateway, each once; refuses one that is not there."""
    for place, service in enumerate(wanted):
        if service not in running:
            there = ", ".join(running)
            raise Invalid.field(
                f"/services/{place}", "unknown_service", f"There is no {service}; there are {there}."
            )
    return [service for service in running if service in wanted]


def told_state(state: str) -> str:
    """The state services are told: a tenant still being set up is to them as good as active."""
    return TenantState.ACTIVE if state == TenantState.PROVISIONING else state
