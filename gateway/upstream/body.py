"""The cap on request bodies, counted while they stream so that no body is ever held to be measured."""

from gateway.upstream.errors import BodyTooLarge, RequestInvalid
from shared.httpserver.asgi import Headers, Message, Receive
from shared.httpserver.headers import find


def capped_receive(receive: Receive, limit: int, headers: Headers | None = None) -> Receive:
    """Wrap `receive` so that it raises `BodyTooLarge` beyond `limit` bytes.

    With the headers given, an announced length is refused at once, before a single byte has been read.
    """
    announced = find(headers, b"content-length") if headers else None
    if announced is not None:
        if not announced.isdigit():
            raise RequestInvalid("Content-Length is not a number")
        if int(announced[:19]) > limit:
            raise BodyTooLarge(limit)
    left = limit

    async def capped() -> Message:
        """Pass one message on and count it; chunked bodies announce nothing, so counting is what protects."""
        nonlocal left
        message = await receive()
        if message["type"] == "http.request":
            left -= len(message.get("body", b""))
            if left < 0:
                raise BodyTooLarge(limit)
        return message

    return capped
