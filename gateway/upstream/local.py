"""A service in the same process, behind the same call and the same promises as one behind HTTP."""

import asyncio

from gateway.upstream.errors import (
    ClientDisconnected,
    ProxyError,
    UpstreamAborted,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from shared.httpserver.asgi import AsgiApp, Message, Receive, Scope, Send, deadline_of
from shared.httpserver.headers import strip_outbound


class _LocalCall:
    """Receive and send of one request, remembering what the app must not hide from the pipeline."""

    __slots__ = ("_receive", "_send", "complete", "fault", "started")

    def __init__(self, receive: Receive, send: Send) -> None:
        """Nothing has happened yet."""
        self._receive = receive
        self._send = send
        self.started = False
        self.complete = False
        self.fault: ProxyError | None = None

    async def receive(self) -> Message:
        """Keep a fault of the body (too large): frameworks turn it into an answer of their own otherwise."""
        try:
            return await self._receive()
        except ProxyError as fault:
            self.fault = fault
            raise

    async def send(self, message: Message) -> None:
        """Pass on what the app says, unless the pipeline is to answer in its stead."""
        if self.fault is not None and not self.started:
            raise self.fault
        if message["type"] == "http.response.start":
            self.started = True
            message = {**message, "headers": strip_outbound(list(message.get("headers", ())))}
        elif message["type"] == "http.response.body" and not message.get("more_body", False):
            self.complete = True
        await self._send(message)


class LocalUpstream:
    """Calls an ASGI app in this process; the scope passes through untouched."""

    def __init__(self, app: AsgiApp, *, default_timeout: float = 30.0) -> None:
        """Wrap an app; its lifespan is the business of whoever made it."""
        self._app = app
        self._default_timeout = default_timeout

    async def aclose(self, grace: float = 5.0) -> None:
        """Do nothing: requests in process end with the tasks of the server."""

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, *, deadline: float | None = None
    ) -> None:
        """Run the app for one request under the deadline, with its failures named as `errors` says."""
        loop = asyncio.get_running_loop()
        at = deadline_of(scope, loop.time() + self._default_timeout) if deadline is None else deadline
        call = _LocalCall(receive, send)
        try:
            async with asyncio.timeout_at(at) as timer:
                await self._app(scope, call.receive, call.send)
        except Exception as error:
            if call.complete:
                raise  # a background step failed after the answer: for the log, not for the client
            raise _named(error, call, timer.expired()) from error
        if not call.complete:
            raise _named(RuntimeError("the service did not complete its response"), call, False)


def _named(error: Exception, call: _LocalCall, expired: bool) -> ProxyError:
    """Say what an exception of the app means for the client."""
    if isinstance(error, ClientDisconnected) or isinstance(call.fault, ClientDisconnected):
        return ClientDisconnected(str(error))
    if call.started:
        return UpstreamAborted(f"the service failed after its response had started: {error!r}")
    if call.fault is not None:
        return call.fault
    if isinstance(error, ProxyError):
        return error
    if expired:
        return UpstreamTimeout("the deadline of the request has passed")
    return UpstreamUnavailable(f"the service failed: {error!r}")
