"""What can go wrong between a client and an upstream, named by who is at fault and what may still be said.

All but `UpstreamAborted` and `ClientDisconnected` are raised only while no response has started, so the
caller may answer with a problem document. The status codes here are suggestions for that caller.
"""


class ProxyError(Exception):
    """Any failure of this package; `status` is the answer it deserves when one can still be given."""

    status = 500


class RequestInvalid(ProxyError):  # noqa: N818 - names the state of affairs
    """The request cannot be framed safely: forbidden bytes, contradictory lengths, an unusable target."""

    status = 400


class BodyTooLarge(ProxyError):  # noqa: N818 - names the state of affairs
    """The request body exceeds the cap of its route, by announcement or by count."""

    status = 413

    def __init__(self, limit: int) -> None:
        """Remember the cap, because the client is told what it is."""
        super().__init__(f"the body exceeds {limit} bytes")
        self.limit = limit


class ClientDisconnected(ProxyError):  # noqa: N818 - names the state of affairs
    """The client has gone: nothing can be answered; the access log calls it 499."""

    status = 499


class BodyTooSlow(ClientDisconnected):
    """The body came too slowly; the server in front of us has answered so, and cut the client off."""

    status = 408


class BodyShareUsed(ProxyError):  # noqa: N818 - names the state of affairs
    """The bodies that one caller has in hand come to as many bytes as they may."""

    status = 429


class NoRoomForBody(ProxyError):  # noqa: N818 - names the state of affairs
    """There is no room for this body: those of all callers fill it, or the disk is full."""

    status = 503


class UpstreamError(ProxyError):
    """The upstream is at fault and the client has not yet seen anything of a response."""

    status = 502


class UpstreamUnavailable(UpstreamError):  # noqa: N818 - names the state of affairs
    """No connection, a connection lost before a response, an open breaker, or a local app that raised."""

    status = 503


class UpstreamBusy(UpstreamUnavailable):
    """Every connection of the pool is taken and the queue is full or too slow: shed load, retry later."""


class ShareOfUpstreamUsedUp(UpstreamBusy):
    """The connections that one tenant may have are taken by its own requests, and as many or as long wait as may."""

    status = 429


class UpstreamTimeout(UpstreamError):  # noqa: N818 - names the state of affairs
    """Connecting, or waiting for the head of the response, took longer than allowed."""

    status = 504


class UpstreamProtocolError(UpstreamError):
    """The upstream answered something that is not a response we dare to forward."""


class UpstreamAborted(ProxyError):  # noqa: N818 - names the state of affairs
    """The response broke off after it had started.

    Never answer or swallow it: the ASGI server must see it, so that it cuts the client's connection and the
    message arrives truncated instead of seemingly whole.
    """
