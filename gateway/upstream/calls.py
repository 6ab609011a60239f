"""The gateway's own calls to a service, through the same upstream that requests take."""

import asyncio

from shared.httpserver.asgi import AsgiApp, Headers, Message, Scope, set_deadline


async def call(
    upstream: AsgiApp,
    method: str,
    path: str,
    *,
    headers: Headers | None = None,
    body: bytes = b"",
    query: str = "",
    seconds: float = 5.0,
) -> tuple[int, bytes]:
    """Send one request and return status and body; raises `ProxyError` when there is no answer."""
    sent = [(b"host", b"gateway"), (b"content-length", str(len(body)).encode()), *(headers or [])]
    if body:
        sent.append((b"content-type", b"application/json"))
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": sent,
        "client": None,
        "server": None,
    }
    set_deadline(scope, asyncio.get_running_loop().time() + seconds)
    answer = _Answer(body)
    await upstream(scope, answer.receive, answer.send)
    return answer.status, b"".join(answer.chunks)


class _Answer:
    """The client's side of one call."""

    def __init__(self, body: bytes) -> None:
        """Give the body once, then wait like a client that stays."""
        self._body: bytes | None = body
        self.status = 0
        self.chunks: list[bytes] = []

    async def receive(self) -> Message:
        """The request's body."""
        if self._body is None:
            await asyncio.Event().wait()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body or b"", "more_body": False}

    async def send(self, message: Message) -> None:
        """Collect the response."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.chunks.append(message.get("body", b""))
