"""One request on one connection: sending the body while the response may already come, and relaying that."""

from gateway.upstream.connection import Connection
from gateway.upstream.errors import ClientDisconnected, RequestInvalid
from gateway.upstream.guard import Guard
from shared.httpserver.asgi import Message, Receive, Send
from shared.httpserver.write_batch import WriteBatch

_SMALL = 64 * 1024


class BodySender:
    """Writes the request body in the framing its head announced, and not a byte beyond it."""

    __slots__ = ("_chunked", "_connection", "_left")

    def __init__(self, connection: Connection, length: int | None) -> None:
        """Use chunked coding when no length was announced."""
        self._connection = connection
        self._chunked = length is None
        self._left = length or 0

    def write(self, data: bytes) -> None:
        """Write one piece. Too much would be read by the upstream as a second request: never send it."""
        if not data or self._connection.closed:
            return
        if self._chunked:
            self._connection.transport.writelines((b"%x\r\n" % len(data), data, b"\r\n"))
            return
        self._left -= len(data)
        if self._left < 0:
            raise RequestInvalid("the body is longer than its Content-Length")
        self._connection.transport.write(data)

    def end(self) -> None:
        """Finish the body; one too short leaves the upstream waiting, so the connection is lost."""
        if self._left > 0:
            raise RequestInvalid("the body is shorter than its Content-Length")
        if self._chunked and not self._connection.closed:
            self._connection.transport.write(b"0\r\n\r\n")
        self._connection.request_done = True


def send_whole(connection: Connection, batch: WriteBatch, head: bytes, body: bytes) -> None:
    """Send a request whose body is at hand, in one write when it is small enough to be worth a copy."""
    if len(body) < _SMALL:
        batch.write(connection.transport, head + body if body else head)
    else:
        connection.transport.writelines((head, body))
    connection.request_done = True


async def pump(
    sender: BodySender, connection: Connection, receive: Receive, guard: Guard, wait: float
) -> None:
    """Stream the rest of the body at the upstream's pace, then go on as the watch for a disconnect."""
    try:
        await connection.drain()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnected("the client left while sending its body")
            more = message.get("more_body", False)
            # a final response on a closing connection: the upstream reads no further, the rest is for the bin
            if not (connection.head_done and not connection.keep_alive):
                sender.write(message.get("body", b""))
                await connection.drain()
                if not more:
                    sender.end()
        if not connection.head_done:
            guard.head_within(wait)
    except Exception as error:  # noqa: BLE001 - handed to the request, which raises it
        guard.interrupt(error)
        return
    await guard.watch()


class ResponseRelay:
    """Passes a response on to the client; `started` divides what can still be explained from what cannot."""

    __slots__ = ("_send", "started")

    def __init__(self, send: Send) -> None:
        """Nothing has been sent yet."""
        self._send = send
        self.started = False

    def opening(self, connection: Connection) -> Message:
        """Make the first message. 204 and 304 lose a Content-Length, which servers would hold us to."""
        self.started = True
        headers = connection.kept
        if connection.status in (204, 304):
            headers = [pair for pair in headers if pair[0] != b"content-length"]
        return {"type": "http.response.start", "status": connection.status, "headers": headers}

    async def body(self, connection: Connection, guard: Guard, idle: float) -> None:
        """Send all but the last piece; `send` blocks while the client is slow, and then we read no more.

        Only while we wait for the upstream does its silence count.
        """
        while not connection.complete:
            piece = connection.take()
            if piece:
                await self.out({"type": "http.response.body", "body": piece, "more_body": True})
            elif connection.fault is not None:
                raise connection.fault
            else:
                guard.more_within(idle)
                await connection.more()
                guard.answer_seen()

    async def finish(self, opening: Message | None, last: bytes) -> None:
        """Send the last piece, which alone declares the response whole; first the head, if due."""
        if opening is not None:
            await self.out(opening)
        await self.out({"type": "http.response.body", "body": last, "more_body": False})

    async def out(self, message: Message) -> None:
        """Send to the server, whose OSError (ASGI 2.4) means that the client is gone."""
        try:
            await self._send(message)
        except OSError as error:
            raise ClientDisconnected(str(error)) from error


def first_piece(message: Message) -> tuple[bytes, bool]:
    """Read the first body message: its bytes, and whether more follow."""
    if message["type"] == "http.disconnect":
        raise ClientDisconnected("the client closed the connection")
    return message.get("body", b""), message.get("more_body", False)
