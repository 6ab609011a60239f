"""An answer that is put together after the transaction: for what waits for others while it holds no connection."""

from collections.abc import Awaitable, Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send


class Afterwards(Response):
    """What a route returns to have its answer made when its transaction is over."""

    def __init__(self, make: Callable[[], Awaitable[Response]]) -> None:
        """`make` must not fail: the edge is done by then."""
        super().__init__()
        self._make = make

    async def made(self) -> Response:
        """The answer itself."""
        return await self._make()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Make the answer and send it, under the request id that the edge has set."""
        response = await self.made()
        if "x-request-id" in self.headers:
            response.headers["x-request-id"] = self.headers["x-request-id"]
        await response(scope, receive, send)
