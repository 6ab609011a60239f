"""What events do: the functions of a service's `consumers.py`, called in the order of the events."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack

from opentelemetry.trace import SpanKind

from shared.base import telemetry
from shared.context.ctx import SYSTEM, Actor, Ctx
from shared.context.tenants import Tenants
from shared.contracts.event import Envelope, Event
from shared.database.pool import Transaction

Handler = Callable[..., Awaitable[object]]  # of a ctx and an event (`on`), or of pairs of them (`on_all`)
Functions = tuple[Handler, ...]
Received = tuple[Envelope, Mapping[str, object]]


class UnknownType(LookupError):  # noqa: N818 - named for what it is
    """An event of a type that this service does not want, or not yet; it is held like one that fails."""


class EventHandlers:
    """Runs a service's functions on events."""

    def __init__(
        self, service: str, handlers: Mapping[type[Event], Sequence[Handler]], tenants: Tenants
    ) -> None:
        self._service = service
        self._handlers = {contract.type: (contract, tuple(found)) for contract, found in handlers.items()}
        self._tenants = tenants

    @property
    def types(self) -> list[str]:
        """The event types the service wants."""
        return sorted(self._handlers)

    async def of(self, tx: Transaction, received: Sequence[Received], *, together: bool = False) -> list[Ctx]:
        """Run every function that wants these events, in their order, in the given transaction.

        Their work (facts, timeline, due times) is left to the caller.
        """
        applied: list[Ctx] = []
        for functions, run in self._runs(received):
            with ExitStack() as spans:
                told = [await self._told(tx, each, spans, together=together) for each in run]
                for function in functions:
                    if _takes_batch(function):
                        await function(told)
                    else:
                        ((ctx, event),) = told
                        await function(ctx, event)
            applied += [ctx for ctx, _ in told]
        return applied

    def _runs(self, received: Sequence[Received]) -> list[tuple[Functions, list[Received]]]:
        """Events in their order: neighbours that one function takes at once together, any other by itself."""
        runs: list[tuple[Functions, list[Received]]] = []
        for each in received:
            functions = self._wanted(each[0].type)[1]
            if runs and runs[-1][0] == functions and all(map(_takes_batch, functions)):
                runs[-1][1].append(each)
            else:
                runs.append((functions, [each]))
        return runs

    def _wanted(self, type_: str) -> tuple[type[Event], Functions]:
        """The contract of a type of events, and who wants them."""
        try:
            return self._handlers[type_]
        except KeyError:
            raise UnknownType(
                f"nothing here answers {type_}; a newer release of {self._service} may"
            ) from None

    async def _told(
        self, tx: Transaction, received: Received, spans: ExitStack, *, together: bool
    ) -> tuple[Ctx, Event]:
        """A received event as functions want it, under a span of its own."""
        event, document = received
        contract, _ = self._wanted(event.type)
        traceparent = spans.enter_context(
            telemetry.span(f"consume {event.type}", link=event.traceparent, kind=SpanKind.CONSUMER)
        )
        correlation_id = str(document.get("correlationid") or event.id)
        ctx = Ctx(
            service=self._service,
            tx=tx,
            tenant=await self._tenants.facts(tx, event.tenant_id),
            actor=Actor(f"system:{self._service}", SYSTEM.kind, str(document.get("actorid") or "") or None),
            scopes=frozenset(),
            now=await self._tenants.now(tx, event.tenant_id),
            request_id=correlation_id,
            traceparent=traceparent,
            causation_id=str(event.id),
            correlation_id=correlation_id,
            together=together,
        )
        return ctx, contract.model_validate(document["data"])


def _takes_batch(function: Handler) -> bool:
    """Whether it was marked by `on_all`."""
    return hasattr(function, "__takes_batch__")
