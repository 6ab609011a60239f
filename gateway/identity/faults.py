"""Refusals at the door."""

import math
from http import HTTPStatus

from shared.values.faults import Fault, Forbidden, Malformed, Unauthenticated, Unavailable


class BadCredentials(Unauthenticated):
    """The token or key is unknown, expired, revoked or not ours; which of these is not told."""

    code = "invalid_credentials"

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class TenantNotGranted(Forbidden):
    """The caller may not act for the tenant it names."""

    code = "tenant_not_granted"


class TenantRequired(Malformed):
    """An operator must say for which tenant it acts."""

    code = "tenant_required"


class TenantSuspended(Forbidden):
    """The tenant is suspended: its calls are refused until an operator resumes it."""

    code = "tenant_suspended"


class TenantIsClosed(Forbidden):
    """The tenant has been closed for good."""

    code = "tenant_closed"


class ServiceNotSubscribed(Forbidden):
    """The tenant has not subscribed to the service that owns this resource."""

    code = "service_not_subscribed"


class TenantProvisioning(Fault):
    """The tenant is still being set up; it finishes by itself (503 with Retry-After)."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "tenant_provisioning"

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": "1"}


class TooManyRequests(Fault):
    """A limit is reached; Retry-After says for how long (429). `limit` is what the metric calls it."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too_many_requests"

    def __init__(self, detail: str, *, limit: str, seconds: float) -> None:
        super().__init__(detail)
        self.limit = limit
        self.retry_after = max(1, math.ceil(seconds))

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)}


class TooManySignIns(Unavailable):
    """As many secrets wait to be compared as may; nothing is said of this one (503)."""

    code = "overloaded"
    limit = "sign_ins"


class RateLimited(Fault):
    """The tenant's rate is used up (429); the RateLimit fields and Retry-After come from the limiter."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "rate_limited"
    limit = "tenant"


class TooManyInHand(TooManyRequests):
    """As many of the tenant's requests are in hand as may be (429)."""

    code = "too_many_in_hand"


class TooManyBytesInHand(TooManyRequests):
    """The bodies of the tenant's requests in hand come to as many bytes as they may (429)."""

    code = "too_many_bytes_in_hand"


class NoRoomForBody(Unavailable):
    """The bodies of all requests in hand come to as many bytes as there is room for (503)."""

    code = "no_room_for_body"
    limit = "room"


LIMITS = (RateLimited, TooManyRequests, TooManySignIns, NoRoomForBody)
