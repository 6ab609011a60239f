"""What the client is told of a failure on the way to a service."""

from gateway.door.in_hand import RETRY_SECONDS
from gateway.identity import faults
from gateway.routes.table import Route
from gateway.upstream.errors import (
    BodyShareUsed,
    BodyTooLarge,
    NoRoomForBody,
    ProxyError,
    RequestInvalid,
    ShareOfUpstreamUsedUp,
    UpstreamBusy,
    UpstreamProtocolError,
    UpstreamTimeout,
)
from shared.values.faults import Fault, Malformed, TooLarge, TooManyAtOnce


class UpstreamFault(Fault):
    """A service did not answer, not in time, or not in a way that can be passed on (502, 503, 504)."""

    def __init__(self, status: int, code: str, detail: str, service: str) -> None:
        super().__init__(detail, code=code, service=service)
        self.status = status  # type: ignore[misc]

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": "1"} if self.status == 503 else {}


def fault_of(error: Fault | ProxyError, route: Route | None) -> Fault:
    """What the client is told of a failure on the way to the service."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, BodyShareUsed):
        return faults.TooManyBytesInHand(
            "The bodies of this tenant's requests in hand come to as many bytes as they may; send this one later.",
            limit="bytes",
            seconds=RETRY_SECONDS,
        )
    if isinstance(error, NoRoomForBody):
        return faults.NoRoomForBody("There is no room for this body now; try again.")
    service = route.service if route is not None else ""
    if isinstance(error, BodyTooLarge):
        return TooLarge(f"The body is larger than {error.limit} bytes.", limit=error.limit)
    if isinstance(error, RequestInvalid):
        return Malformed(f"The request cannot be passed on: {error}.")
    if isinstance(error, UpstreamTimeout):
        return UpstreamFault(504, "upstream_timeout", f"{service} did not answer in time.", service)
    if isinstance(error, UpstreamProtocolError):
        return UpstreamFault(502, "bad_gateway", f"{service} answered something unreadable.", service)
    if isinstance(error, ShareOfUpstreamUsedUp):
        return TooManyAtOnce("Too many of your requests are at work; send fewer at the same time.")
    if isinstance(error, UpstreamBusy):
        return UpstreamFault(503, "overloaded", f"{service} has too much to do; try again.", service)
    return UpstreamFault(503, "service_unavailable", f"{service} is away; try again.", service)
