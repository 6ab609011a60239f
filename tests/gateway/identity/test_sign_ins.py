"""Who signs in while others guess: known clients at once, fresh ones in turn, guessers no more than they may."""

import asyncio
from typing import Any, cast

import pytest

from gateway.identity.directory import Directory
from gateway.identity.faults import TooManyRequests, TooManySignIns
from gateway.identity.secrets import SecretKeeper
from gateway.identity.sign_in import WAITING_OF_ONE, SignIns
from gateway.settings import GatewaySettings

HERE, THERE = "10.0.0.1", "10.0.0.2"


class Clients:
    """A directory of clients by their secrets, and a keeper that compares when it is let."""

    def __init__(self, *, open_: bool = True, **secrets: str) -> None:
        self.secrets = secrets
        self.compared: list[str] = []
        self.let = asyncio.Event()
        if open_:
            self.let.set()

    async def client(self, client_id: str) -> dict[str, str] | None:
        found = self.secrets.get(client_id)
        return None if found is None else {"actor": client_id, "secret_hash": f"hash of {found}"}

    async def matches(self, stored: str | None, secret: str) -> bool:
        self.compared.append(secret)
        await self.let.wait()
        return stored == f"hash of {secret}"


def sign_ins(clients: Clients, **settings: Any) -> SignIns:
    return SignIns(cast(Directory, clients), cast(SecretKeeper, clients), GatewaySettings(**settings))


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def ended(tasks: list["asyncio.Task[Any]"]) -> list[Any]:
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_many_wrong_secrets_at_once_get_no_more_comparisons_than_one_after_the_other():
    clients = Clients(shop="right")
    door = sign_ins(clients, client_failures_per_minute=20)

    outcomes = await asyncio.gather(
        *(door.proven("shop", [f"guess {n}"], HERE) for n in range(50)), return_exceptions=True
    )

    assert len(clients.compared) == 20
    assert outcomes.count(None) == 20
    assert all(isinstance(o, TooManyRequests) and o.retry_after >= 1 for o in outcomes if o is not None)


async def test_a_client_that_signed_in_before_is_served_whatever_else_comes_from_its_address():
    clients = Clients(shop="right")
    door = sign_ins(clients, client_failures_per_minute=5)
    assert await door.proven("shop", ["right"], HERE)
    clients.let.clear()

    guesses = [asyncio.create_task(door.proven("shop", ["wrong"], HERE)) for _ in range(30)]
    strangers = [asyncio.create_task(door.proven(f"nobody {n}", ["x"], HERE)) for n in range(30)]
    await settle()
    served = await door.proven("shop", ["right"], HERE)

    assert served is not None
    assert not any(task.done() for task in (*guesses, *strangers)), "the attack has not even been compared"
    clients.let.set()
    await ended([*guesses, *strangers])
    assert await door.proven("shop", ["right"], HERE), "and afterwards, although no guess is left"
    with pytest.raises(TooManyRequests):
        await door.proven("shop", ["wrong"], HERE)


async def test_a_fresh_client_has_its_turn_before_those_whom_nobody_knows():
    clients = Clients(open_=False, shop="right")
    door = sign_ins(clients)
    strangers = [asyncio.create_task(door.proven(f"nobody {n}", [f"x{n}"], HERE)) for n in range(40)]
    await settle()
    fresh = asyncio.create_task(door.proven("shop", ["right"], HERE))
    await settle()

    assert clients.compared == ["x0", "right"], "ids that there are not share one place"
    clients.let.set()
    assert await fresh is not None
    assert await ended(strangers) == [None] * 40


async def test_beyond_the_end_of_its_queue_a_lane_is_refused_and_others_are_not():
    clients = Clients(open_=False, shop="right")
    door = sign_ins(clients)
    strangers = [asyncio.create_task(door.proven(f"nobody {n}", ["x"], HERE)) for n in range(200)]
    await settle()

    refused = [task for task in strangers if task.done()]
    elsewhere = asyncio.create_task(door.proven("nobody", ["elsewhere"], THERE))
    await settle()

    assert len(refused) == 200 - WAITING_OF_ONE - 1
    assert all(isinstance(o, TooManySignIns) for o in await ended(refused))
    assert "elsewhere" in clients.compared
    clients.let.set()
    await ended([*strangers, elsewhere])


async def test_a_program_that_starts_many_times_at_once_with_the_right_secret_is_let_in_each_time():
    clients = Clients(shop="right")
    door = sign_ins(clients, client_failures_per_minute=5)

    found = await asyncio.gather(*(door.proven("shop", ["right"], HERE) for _ in range(40)))

    assert all(found)
    assert len(clients.compared) == 1, "what one has proven is proven"


async def test_the_charge_is_given_back_for_a_right_secret():
    clients = Clients(**{f"shop{n}": "right" for n in range(3)})
    door = sign_ins(clients, client_failures_per_minute=2)
    await door.proven("shop0", ["wrong"], HERE)

    for _ in range(5):
        clients.secrets["shop0"] += "er"  # changed, so that it is compared each time
        assert await door.proven("shop0", [clients.secrets["shop0"]], HERE)


async def test_a_changed_secret_ends_what_was_proven_with_the_old_one():
    clients = Clients(shop="old")
    door = sign_ins(clients)
    assert await door.proven("shop", ["old"], HERE)

    clients.secrets["shop"] = "new"

    assert await door.proven("shop", ["old"], HERE) is None
    assert await door.proven("shop", ["new"], HERE)


async def test_wrong_secrets_for_ids_that_there_are_not_are_limited_by_address_and_keep_no_client_out():
    clients = Clients(shop="right")
    door = sign_ins(clients, address_failures_per_minute=10)
    outcomes = await asyncio.gather(
        *(door.proven(f"nobody {n}", ["x"], HERE) for n in range(30)), return_exceptions=True
    )

    assert len(clients.compared) == 10
    assert sum(isinstance(o, TooManyRequests) for o in outcomes) == 20
    assert await door.proven("shop", ["right"], HERE)


async def test_the_limit_does_not_tell_which_clients_there_are():
    clients = Clients(shop="right")
    door = sign_ins(clients, client_failures_per_minute=3)

    async def outcomes(client_id: str) -> list[type[object]]:
        return [
            type(found[0])
            for _ in range(6)
            for found in [await asyncio.gather(door.proven(client_id, ["x"], HERE), return_exceptions=True)]
        ]

    assert await outcomes("shop") == await outcomes("nobody") == [type(None)] * 3 + [TooManyRequests] * 3
