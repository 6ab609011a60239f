"""The program with points at which it can be told to die: `deploy.cli.commands`, everything else as it is.

SIGUSR1 makes it read the file named in CHAOS_POINT: the name of a point and how often it is passed until the
process kills itself there with SIGKILL. An empty file disarms. None of this exists in the program itself.
"""

import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from deploy.cli.commands import app
from shared.bus.amqp.transport import AmqpTransport
from shared.context.unit_of_work import UnitOfWork
from shared.http.fast.request_batches import RequestBatches
from shared.messaging.inbox import Inbox

__all__ = ["app"]

POINTS = {
    "commit and publish": "worker",  # a fact is committed and not told yet
    "publish and mark": "worker",  # the broker has confirmed it, the outbox does not know
    "effect and commit": "worker",  # inbox row, effect and new facts are written, not committed
    "gathered effects and commit": "worker",  # the same with events of one tenant taken together
    "effect and acknowledge": "worker",  # committed, the broker does not know
    "write and commit": "api",  # a request's effect is written, not committed
    "commit and answer": "api",  # committed, the caller does not know
}


class Armed:
    """The point at which this process dies, if any."""

    point = ""
    left = 0


def _arm(*_: object) -> None:
    Armed.point, _, count = Path(os.environ["CHAOS_POINT"]).read_text().partition("\n")
    Armed.left = int(count or 0)


def _pass(point: str) -> None:
    if Armed.point == point:
        Armed.left -= 1
        if Armed.left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


def _publishing(publish: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def publishing(self: AmqpTransport, messages: Any) -> Any:
        _pass("commit and publish")
        outcome = await publish(self, messages)
        _pass("publish and mark")
        return outcome

    return publishing


def _delivering(deliver: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def delivering(self: Inbox, delivery: Any) -> None:
        await deliver(self, delivery)
        _pass("effect and acknowledge")

    return delivering


def _writing(write: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Of one request or event, or of several that share a transaction."""

    async def writing(unit: UnitOfWork) -> None:
        replies, events = len(unit.replies), sum(ctx.causation_id is not None for ctx in unit.contexts)
        await write(unit)
        if replies:
            _pass("write and commit")
        if events:
            _pass("effect and commit")
        if events > 1:
            _pass("gathered effects and commit")

    return writing


def _answering(take: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def answering(self: RequestBatches, call: Any) -> Any:
        response = await take(self, call)
        if call.request.method == "POST":
            _pass("commit and answer")
        return response

    return answering


if "CHAOS_POINT" in os.environ:
    signal.signal(signal.SIGUSR1, _arm)
    AmqpTransport.publish = _publishing(AmqpTransport.publish)  # type: ignore[method-assign]
    Inbox.deliver = _delivering(Inbox.deliver)  # type: ignore[method-assign]
    UnitOfWork.write = _writing(UnitOfWork.write)  # type: ignore[method-assign]
    RequestBatches.take = _answering(RequestBatches.take)  # type: ignore[method-assign]
