"""The kernel's tables, created in each service's schema by its first migration and changed by later ones.

A version that has been released is never edited: a change is a further version here, and a revision in every service
that runs it (`upgrade("orders", since=1, to=2)`). A new service begins with all of them (`upgrade("hr", to=7)`).
"""

from collections.abc import Callable

from shared.database.kernel_tables import approvals, blobs, first, jobs, mails, ordering_key, sealing_keys

NAMES = frozenset(
    {
        "tenants", "outbox", "inbox", "unreadable_messages", "idempotency_keys", "history", "audit",
        "due_times", "jobs", "number_series", "sealing_keys", "approvals", "approval_decisions",
        "approval_delegations", "blobs", "mails", "alembic_version",
    }
)  # fmt: skip

VERSIONS: tuple[Callable[[str], str], ...] = (
    first.create,
    ordering_key.create,
    sealing_keys.create,
    approvals.create,
    blobs.create,
    jobs.create,
    mails.create,
)


def upgrade(service: str, *, since: int = 0, to: int) -> str:
    """SQL that brings the kernel's tables of a service from one version to another; 0 is before the first."""
    return "\n".join(version(service) for version in VERSIONS[since:to])
