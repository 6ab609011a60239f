"""A client asks once for the invoice of a shipment, and has it when it is made."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from services.billing.service import SERVICE as BILLING
from shared.context.ctx import TenantFacts
from shared.http import waiting
from shared.http.waiting import Waiting
from shared.service.runtime import ServiceRuntime
from shared.values.ids import new_id
from tests.billing.given import delivered, given_draft, shipment
from tests.kit.suite import Suite, eventually

LONG = "wait=10"


@pytest.fixture
def rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks again by himself, so that what comes at once was told."""
    monkeypatch.setattr(waiting, "LOOK_AGAIN_SECONDS", 60.0)


def waits_of(suite: Suite) -> Waiting:
    return suite["billing"].waiting


async def all_wait(suite: Suite, count: int = 1) -> None:
    """Until so many have looked, have found nothing and hold nothing."""

    async def so() -> bool:
        return len(waits_of(suite)) == count and suite["billing"].app_db.in_use == 0

    await eventually(so)


async def asked(
    billing: httpx.AsyncClient, order_id: object, prefer: str = LONG, **more: str
) -> httpx.Response:
    answer = await billing.get(
        "/v1/invoices", params={"order_id": str(order_id), **more}, headers={"prefer": prefer}
    )
    assert len({*answer.headers.get_list("preference-applied")}) <= 1
    return answer


@pytest.mark.usefixtures("rarely")
async def test_the_page_comes_as_soon_as_the_invoice_is_there(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    shipped = shipment()
    waits = asyncio.create_task(asked(billing, shipped.order_id))
    await all_wait(suite)

    await delivered(suite, tenant, shipped)
    answer = await asyncio.wait_for(waits, 2)

    (invoice,) = answer.json()["items"]
    assert invoice["source_refs"]["order_id"] == str(shipped.order_id)
    assert answer.headers["preference-applied"] == LONG
    assert len(waits_of(suite)) == 0


async def test_an_invoice_that_is_there_is_not_waited_for(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    shipped = shipment()
    await delivered(suite, tenant, shipped)

    answer = await asyncio.wait_for(asked(billing, shipped.order_id), 2)

    assert len(answer.json()["items"]) == 1
    assert answer.headers["preference-applied"] == LONG


async def test_an_empty_page_comes_after_the_wait(suite: Suite, billing: httpx.AsyncClient):
    loop = asyncio.get_running_loop()
    began = loop.time()

    answer = await asked(billing, new_id(), "respond-async, WAIT=1")

    assert 1.0 <= loop.time() - began < 3
    assert (answer.status_code, answer.json()) == (200, {"items": [], "next": None})
    assert answer.headers["preference-applied"] == "wait=1"
    assert len(waits_of(suite)) == 0


@pytest.mark.usefixtures("rarely")
async def test_more_wait_than_there_are_connections_and_none_holds_one(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    shipments = [shipment() for _ in range(40)]
    waits = [asyncio.create_task(asked(billing, each.order_id)) for each in shipments]
    await all_wait(suite, 40)

    for each in shipments:
        await delivered(suite, tenant, each)
    answers = await asyncio.wait_for(asyncio.gather(*waits), 10)

    found = [a.json()["items"][0]["source_refs"]["order_id"] for a in answers]
    assert found == [str(each.order_id) for each in shipments]


@pytest.mark.usefixtures("rarely")
async def test_an_invoice_committed_between_look_and_wait_is_not_lost(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    shipped, looked = shipment(), []
    look = waiting.Waiting.until_found

    async def until_found(self, wish, look_once):
        async def and_then_it_is_shipped():
            seen = await look_once()
            if not looked:
                looked.append(seen)
                await delivered(suite, tenant, shipped)
            return seen

        return await look(self, wish, and_then_it_is_shipped)

    monkeypatch.setattr(waiting.Waiting, "until_found", until_found)

    answer = await asyncio.wait_for(asked(billing, shipped.order_id), 3)

    assert looked[0][1], "the first look found nothing"
    assert len(answer.json()["items"]) == 1


@asynccontextmanager
async def another_process(suite: Suite, *, among_others: bool = False) -> AsyncIterator[Suite]:
    """Billing once more over the same database, as another process would run it.

    Nobody hears of its commits unless it is `among_others`.
    """
    first = suite["billing"]
    other = ServiceRuntime(
        BILLING, dsn=suite.url, settings=first.settings, transport=suite.transport,
        verifier=first.app.state.edge.verifier,
    )  # fmt: skip
    async with AsyncExitStack() as stack:
        stack.push_async_callback(other.stop)
        await other.start(work=False, among_others=among_others)
        yield Suite(suite.url, {"billing": other}, suite.transport, suite.key, suite.all_scopes)


async def test_an_invoice_of_another_process_is_found_by_looking_again(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    shipped = shipment()
    async with another_process(suite) as elsewhere:
        waits = asyncio.create_task(asked(billing, shipped.order_id))
        await all_wait(suite)

        await delivered(elsewhere, tenant, shipped)
        answer = await asyncio.wait_for(waits, 3)

    assert len(answer.json()["items"]) == 1


@pytest.mark.usefixtures("rarely")
async def test_an_invoice_of_another_process_that_rings_is_there_at_once(suite: Suite, tenant: TenantFacts):
    shipments = [shipment() for _ in range(3)]
    async with (
        another_process(suite, among_others=True) as here,
        another_process(suite, among_others=True) as elsewhere,
    ):
        client = here.client("billing", tenant)
        waits = [asyncio.create_task(asked(client, shipped.order_id)) for shipped in shipments]
        await all_wait(here, len(waits))

        for shipped in shipments:
            await delivered(elsewhere, tenant, shipped)
        answers = await asyncio.wait_for(asyncio.gather(*waits), 5)
        await here.close()

    assert [len(answer.json()["items"]) for answer in answers] == [1, 1, 1]


async def test_a_draft_made_by_hand_is_found_by_looking_again(suite: Suite, billing: httpx.AsyncClient):
    order_id = new_id()
    waits = asyncio.create_task(asked(billing, order_id))
    await all_wait(suite)

    draft = await given_draft(billing, source_refs={"order_id": str(order_id)})
    answer = await asyncio.wait_for(waits, 3)

    assert [i["id"] for i in answer.json()["items"]] == [draft["id"]]


@pytest.mark.usefixtures("rarely")
async def test_a_process_that_leaves_lets_nobody_wait(suite: Suite, tenant: TenantFacts):
    async with another_process(suite) as leaving:
        client = leaving.client("billing", tenant)
        waits = asyncio.create_task(asked(client, new_id()))
        await all_wait(leaving)

        leaving["billing"].leave()
        cut = await asyncio.wait_for(waits, 1)
        late = await asyncio.wait_for(asked(client, new_id()), 1)
        await leaving.close()

    for answer in (cut, late):
        assert (answer.status_code, answer.json()["items"]) == (200, [])
        assert "preference-applied" not in answer.headers


@pytest.mark.usefixtures("rarely")
async def test_a_stop_ends_the_wait(suite: Suite, tenant: TenantFacts):
    async with another_process(suite) as stopping:
        client = stopping.client("billing", tenant)
        waits = asyncio.create_task(asked(client, new_id()))
        await all_wait(stopping)
    answer = await asyncio.wait_for(waits, 1)
    await stopping.close()

    assert (answer.status_code, answer.json()["items"]) == (200, [])


@pytest.mark.parametrize(
    "prefer", ["", "wait", "wait=0", "wait=-5", "wait=soon", "wait=5.0", "return=minimal", ";=,"]
)
@pytest.mark.usefixtures("rarely")
async def test_nonsense_is_ignored(billing: httpx.AsyncClient, prefer: str):
    answer = await asyncio.wait_for(asked(billing, new_id(), prefer), 2)

    assert (answer.status_code, answer.json()["items"]) == (200, [])
    assert "preference-applied" not in answer.headers


@pytest.mark.usefixtures("rarely")
async def test_only_the_first_page_of_an_orders_invoices_is_waited_for(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    order_id = new_id()
    for _ in range(2):
        await given_draft(billing, source_refs={"order_id": str(order_id)})
    cursor = (await asked(billing, order_id, limit="1")).json()["next"]

    headers = {"prefer": LONG}
    second = asked(billing, order_id, limit="1", cursor=cursor)
    all_of_them = billing.get("/v1/invoices", params={"customer_id": str(new_id())}, headers=headers)
    one = billing.get(f"/v1/invoices/{new_id()}", headers=headers)
    refused = asked(billing, "nonsense")
    answers = await asyncio.wait_for(asyncio.gather(second, all_of_them, one, refused), 2)

    assert [a.status_code for a in answers] == [200, 200, 404, 422]
    assert not any("preference-applied" in a.headers for a in answers)


@pytest.mark.usefixtures("rarely")
async def test_a_stranger_who_waits_for_the_order_of_another_sees_nothing(
    suite: Suite, tenant: TenantFacts, stranger: TenantFacts
):
    shipped = shipment()
    waits = asyncio.create_task(asked(suite.client("billing", stranger), shipped.order_id, "wait=1"))
    await all_wait(suite)

    await delivered(suite, tenant, shipped)

    assert (await waits).json()["items"] == []


@pytest.mark.usefixtures("rarely")
async def test_too_many_who_wait_are_answered_at_once(
    suite: Suite, billing: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(waiting, "MOST_WAITING", 4)  # of which one tenant has two
    waits = [asyncio.create_task(asked(billing, new_id(), "wait=1")) for _ in range(2)]
    await all_wait(suite, 2)

    answer = await asyncio.wait_for(asked(billing, new_id()), 1)

    assert (answer.status_code, answer.json()["items"]) == (200, [])
    assert "preference-applied" not in answer.headers
    assert {a.headers["preference-applied"] for a in await asyncio.gather(*waits)} == {"wait=1"}


@pytest.mark.usefixtures("rarely")
async def test_whoever_gives_up_leaves_nothing_behind(suite: Suite, billing: httpx.AsyncClient):
    waits = asyncio.create_task(asked(billing, new_id()))
    await all_wait(suite)

    waits.cancel()

    await all_wait(suite, 0)


def test_the_operation_says_so(suite: Suite):
    operation = suite["billing"].app.openapi()["paths"]["/v1/invoices"]["get"]

    (prefer,) = (p for p in operation["parameters"] if p["name"] == "Prefer")
    assert (prefer["in"], prefer["required"]) == ("header", False)
    assert "order_id" in prefer["description"]
    assert "Preference-Applied" in operation["responses"]["200"]["headers"]
