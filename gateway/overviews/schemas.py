"""Wire shapes of overviews: the services' own, each with the name of its service."""

from shared.approvals.routes import ApprovalOut
from shared.service.jobs import JobOut
from shared.values.fields import WireModel


class MissingOut(WireModel):
    """A service whose part the page lacks, and the code of why: it is away, too slow, or the caller lacks a scope."""

    service: str
    code: str


class ServiceJobOut(JobOut):
    """A job of a service; its verbs are below `/v1/<service>-jobs`."""

    service: str


class ServiceApprovalOut(ApprovalOut):
    """An approval of a service; its verbs are below `/v1/<service>-approvals`."""

    service: str


class JobsOut(WireModel):
    """Jobs of all services, newest first. What a missing service has comes with `next`, once it answers again."""

    items: list[ServiceJobOut]
    next: str | None
    missing: list[MissingOut]


class ApprovalsOut(WireModel):
    """Approvals of all services, newest first. What a missing service has comes with `next`, once it answers again."""

    items: list[ServiceApprovalOut]
    next: str | None
    missing: list[MissingOut]
