"""Functions get events in their order: one by one, or all that wait of a kind at once, each with its own ctx."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from shared.context.ctx import Ctx, TenantFacts
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
async def levels(told: Sequence[tuple[Ctx, CupFilled | CupEmptied]]) -> None:
    calls.append([(type(event).__name__, event.number, ctx.causation_id) for ctx, event in told])


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


async def applied(kernel: Suite, owner: TenantFacts, events: Sequence[Received]) -> list[Ctx]:
    handlers = {CupFilled: [levels], CupEmptied: [levels], CupBroken: [broken]}
    running = kernel["probe"]
    calls.clear()
    async with running.app_db.transaction(owner.id) as tx:
        return await EventHandlers("probe", handlers, running.tenants).of(tx, events, together=True)


async def test_neighbours_that_one_function_takes_at_once_come_together_and_the_order_is_kept(
    kernel: Suite, owner: TenantFacts
):
    kinds = [CupFilled, CupEmptied, CupBroken, CupBroken, CupFilled]
    events = [received(owner, kind, number) for number, kind in enumerate(kinds)]
    ids = [str(event.id) for event, _ in events]

    ctxs = await applied(kernel, owner, events)

    assert calls == [
        [("CupFilled", 0, ids[0]), ("CupEmptied", 1, ids[1])],
        ("CupBroken", 2, ids[2]),
        ("CupBroken", 3, ids[3]),
        [("CupFilled", 4, ids[4])],
    ]
    assert [ctx.causation_id for ctx in ctxs] == ids


async def test_a_type_that_nothing_wants_is_named(kernel: Suite, owner: TenantFacts):
    event, document = received(owner, CupFilled, 1)
    with pytest.raises(UnknownType, match=r"probe\.cup\.filled\.v1"):
        async with kernel["probe"].app_db.transaction(owner.id) as tx:
            await EventHandlers("probe", {}, kernel["probe"].tenants).of(tx, [(event, document)])
