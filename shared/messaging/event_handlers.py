"""What events do: the functions of a service's `consumers.py`, called in the order of the events."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack

from opentelemetry.trace import SpanKind

from shared.base import telemetry
from shared.context.batch import Batch
from shared.context.ctx import SYSTEM, Actor, Ctx
from shared.context.unit_of_work import UnitOfWork
from shared.contracts.event import Envelope, Event

Handler = Callable[
    ..., Awaitable[object]
]  # of a ctx and an event (`on`), or of a batch of events (`on_batch`)
Handlers = tuple[Handler, ...]
Received = tuple[Envelope, Mapping[str, object]]


class UnknownType(LookupError):  # noqa: N818 - named for what it is
    """An event of a type that this service does not want, or not yet; it is held like one that fails."""


class EventHandlers:
    """Runs a service's functions on events."""

    def __init__(self, service: str, handlers: Mapping[type[Event], Sequence[Handler]]) -> None:
        self._service = service
        self._handlers = {contract.type: (contract, tuple(found)) for contract, found in handlers.items()}

    @property
    def types(self) -> list[str]:
        """The event types the service wants."""
        return sorted(self._handlers)

    def shared_by(self, type_: str) -> Handlers:
        """The functions of a type that take several events at once; none where one of them takes each by itself."""
        _, functions = self._handlers.get(type_, (None, ()))
        return functions if all(map(_takes_batch, functions)) else ()

    async def run(self, unit: UnitOfWork, received: Sequence[Received]) -> None:
        """Run every function that wants these events, in a unit of work. Several events have the same functions."""
        _, functions = self._wanted(received[0][0].type)
        with ExitStack() as spans:
            items = [await self._opened(unit, each, spans) for each in received]
            for function in functions:
                if _takes_batch(function):
                    await function(Batch(items))
                else:
                    ((ctx, event),) = items
                    await function(ctx, event)

    def _wanted(self, type_: str) -> tuple[type[Event], Handlers]:
        """The contract of a type of events, and who wants them."""
        try:
            return self._handlers[type_]
        except KeyError:
            raise UnknownType(f"nothing here takes {type_}; a newer release of {self._service} may") from None

    async def _opened(self, unit: UnitOfWork, received: Received, spans: ExitStack) -> tuple[Ctx, Event]:
        """A received event with a ctx of its own, under a span of its own."""
        event, document = received
        contract, _ = self._wanted(event.type)
        traceparent = spans.enter_context(
            telemetry.span(f"consume {event.type}", link=event.traceparent, kind=SpanKind.CONSUMER)
        )
        correlation_id = str(document.get("correlationid") or event.id)
        ctx = unit.context(
            await unit.tenant(event.tenant_id),
            Actor(f"system:{self._service}", SYSTEM.kind, str(document.get("actorid") or "") or None),
            request_id=correlation_id,
            traceparent=traceparent,
            causation_id=str(event.id),
            correlation_id=correlation_id,
        )
        return ctx, contract.model_validate(document["data"])


def _takes_batch(function: Handler) -> bool:
    """Whether it was marked by `on_batch`."""
    return hasattr(function, "__takes_batch__")
