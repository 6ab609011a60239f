"""An answer that is put together after the transaction: for what waits for others while it holds no connection."""

from collections.abc import Awaitable, Callable

from starlette.responses import Response


class Afterwards(Response):
    """What a route returns to have its answer made when its transaction is over; the edge calls `made`."""

    def __init__(self, make: Callable[[], Awaitable[Response]], *, media_type: str | None = None) -> None:
        """`make` returns the answer, or raises a fault."""
        super().__init__(media_type=media_type)
        self._make_answer = make

    async def made(self) -> Response:
        """The answer."""
        return await self._make_answer()


async def made(response: Response) -> Response:
    """The answer itself, made where it was left for later."""
    return await response.made() if isinstance(response, Afterwards) else response
