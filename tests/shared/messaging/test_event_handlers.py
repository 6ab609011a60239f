"""Functions get events in their order: one by one, or all that wait of a kind at once, each with its own ctx."""

from typing import Any

import orjson
import pytest

from shared.context.batch import Batch
from shared.context.ctx import Ctx, TenantFacts
from shared.context.unit_of_work import open_work
from shared.contracts.event import Event, read_envelope
from shared.messaging.event_handlers import EventHandlers, Received, UnknownType
from shared.service.subscriptions import on, on_batch
from shared.values.ids import new_id
from tests.kit.suite import Suite


class CupFilled(Event, type="probe.cup.filled.v1"):
    number: int


class CupEmptied(Event, type="probe.cup.emptied.v1"):
    number: int


class CupBroken(Event, type="probe.cup.broken.v1"):
    number: int


calls: list[object] = []


@on_batch(CupFilled, CupEmptied)
async def levels(batch: Batch[CupFilled | CupEmptied]) -> None:
    calls.append([(type(event).__name__, event.number, ctx.causation_id) for ctx, event in batch.items])


@on(CupBroken)
async def broken(ctx: Ctx, event: CupBroken) -> None:
    calls.append(("CupBroken", event.number, ctx.causation_id))


def received(tenant: TenantFacts, contract: type[Event], number: int) -> Received:
    document: dict[str, Any] = {
        "id": str(new_id()),
        "type": contract.type,
        "tenantid": str(tenant.id),
        "partitionkey": "cup:1",
        "data": {"number": number},
    }
    return read_envelope(orjson.dumps(document).decode())


HANDLERS = {CupFilled: [levels], CupEmptied: [levels], CupBroken: [broken]}


async def applied(kernel: Suite, owner: TenantFacts, *events: Received, handlers: Any = HANDLERS) -> None:
    calls.clear()
    async with open_work(kernel["probe"], owner.id) as unit:
        await EventHandlers("probe", handlers).run(unit, events)


async def test_a_function_for_batches_gets_what_there_is_at_once_each_with_its_own_ctx(
    kernel: Suite, owner: TenantFacts
):
    events = [received(owner, kind, number) for number, kind in enumerate([CupFilled, CupEmptied])]

    await applied(kernel, owner, *events)

    first, second = (str(event.id) for event, _ in events)
    assert calls == [[("CupFilled", 0, first), ("CupEmptied", 1, second)]]


async def test_any_other_function_gets_its_event_alone(kernel: Suite, owner: TenantFacts):
    event = received(owner, CupBroken, 7)

    await applied(kernel, owner, event)

    assert calls == [("CupBroken", 7, str(event[0].id))]


def test_only_types_whose_every_function_is_for_batches_may_share_a_transaction():
    handlers = EventHandlers("probe", HANDLERS | {CupEmptied: [levels, broken]})

    assert handlers.shared_by(CupFilled.type) == (levels,)
    assert handlers.shared_by(CupEmptied.type) == ()
    assert handlers.shared_by(CupBroken.type) == ()
    assert handlers.shared_by("probe.cup.washed.v1") == ()


async def test_a_type_that_nothing_wants_is_named(kernel: Suite, owner: TenantFacts):
    with pytest.raises(UnknownType, match=r"probe\.cup\.filled\.v1"):
        await applied(kernel, owner, received(owner, CupFilled, 1), handlers={})
