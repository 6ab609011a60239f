"""The way of nearly all requests to services over HTTP: without a task, for as long as nothing is unusual.

A request without a body, of a caller we remember, to a service with a connection at rest is sent in the turn of the
loop in which it came, and its answer goes back in the turn in which it arrived as a whole. Whatever else happens (an
answer in pieces or a bad one, a lost connection, a caller that leaves, or just 50 ms without an answer) is handed
over, once, to a task on the common way, which knows how to deal with all of it.
"""

from collections.abc import Awaitable, Callable

from gateway.door.exchange import Exchange
from gateway.upstream.guard import PATIENCE
from gateway.upstream.http import HttpUpstream, Sent
from shared.httpserver.asgi import Answerable, Receive, Scope, Send

AnswerFor = Callable[[Exception, Exchange, Receive], Awaitable[None]]


class Passage:
    """One such request between being sent and being answered or handed over."""

    __slots__ = ("_answer_for", "_caller", "_exchange", "_forwarded", "_sent", "_upstream", "due")

    def __init__(
        self,
        exchange: Exchange,
        upstream: HttpUpstream,
        forwarded: Scope,
        sent: Sent,
        caller: Answerable,
        answer_for: AnswerFor,
    ) -> None:
        """Wait for what comes first: the answer, the caller's leaving, or the end of patience."""
        self._exchange = exchange
        self._upstream = upstream
        self._forwarded = forwarded
        self._sent = sent
        self._caller = caller
        self._answer_for = answer_for
        alarm = upstream.alarm
        self.due = alarm.loop.time() + PATIENCE
        alarm.join(self)
        sent.connection.tell(self._arrived)
        caller.on_lost = self._hand_over

    def tick(self, now: float) -> None:  # noqa: ARG002 - as the alarm calls it
        """Patience is at its end."""
        self._hand_over()

    def _arrived(self) -> None:
        """Something came, or the connection was lost."""
        answer = self._upstream.answer(self._sent)
        if answer is None:
            self._hand_over()
            return
        self._upstream.alarm.leave(self)
        status, headers, body = answer
        exchange = self._exchange
        self._caller.whole(status, exchange.head(status, headers), body)
        exchange.account()

    def _hand_over(self) -> None:
        """Go on in a task, from where we are."""
        self._upstream.alarm.leave(self)
        self._sent.connection.tell(None)
        self._caller.hand_over(self._go_on)

    async def _go_on(self, _: Scope, receive: Receive, send: Send) -> None:
        """The rest of the common way."""
        exchange = self._exchange
        exchange.answer_through(send)
        try:
            await self._upstream.go_on(self._forwarded, receive, exchange.send, self._sent)
        except Exception as error:  # noqa: BLE001 - answered there, or raised again
            await self._answer_for(error, exchange, receive)
        finally:
            exchange.account()
