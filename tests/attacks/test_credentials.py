"""Credentials that are nobody's, thousands of them, from the address that valid callers have, too (one proxy, say)."""

import asyncio
import base64
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

import httpx

from gateway.identity.secrets import new_api_key
from tests.attacks.bystander import Company, Target, under_way
from tests.deploy.company import operator_of
from tests.kit.suite import eventually
from tests.stories.steps import made

LOOKUP_STATEMENTS = "backoffice_gateway_lookup_statements_total"
TOKEN_FORM = b"grant_type=client_credentials"


@dataclass
class Flood:
    """The same kind of request over many connections, again and again, until it is ended."""

    port: int
    request: Callable[[], bytes]
    connections: int
    enough: int
    answers: Counter[int] = field(default_factory=Counter)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Go on for ever."""
        await asyncio.gather(*(self._sender() for _ in range(self.connections)))

    async def _sender(self) -> None:
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                while True:
                    writer.write(self.request())
                    self.answers[await _status(reader)] += 1
                    if self.answers.total() >= self.enough:
                        self.begun.set()
            except (OSError, asyncio.IncompleteReadError):
                continue  # cut off: the next connection
            finally:
                writer.close()


async def _status(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1])


def bad_key() -> bytes:
    return f"GET /v1/orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {new_api_key('live')[0]}\r\n\r\n".encode()


def wrong_secrets(client_id: str) -> Callable[[], bytes]:
    """A known client's id and made-up ones in turn, each with a wrong secret."""
    names: Iterator[str] = (client_id if n % 2 else f"cl_{n:024x}" for n in count())

    def request() -> bytes:
        pair = base64.b64encode(f"{next(names)}:wrong".encode()).decode()
        head = (
            f"POST /oauth/token HTTP/1.1\r\nhost: x\r\nauthorization: Basic {pair}\r\n"
            f"content-type: application/x-www-form-urlencoded\r\ncontent-length: {len(TOKEN_FORM)}\r\n\r\n"
        )
        return head.encode() + TOKEN_FORM

    return request


async def key_of(operator: httpx.AsyncClient, company: Company) -> str:
    wish = {"name": "Shop", "scopes": ["orders:read"]}
    return str((await made(operator, f"/v1/tenants/{company.id}/api-keys", wish))["key"])


async def is_served(target: Target, key: str, *, times: int = 1) -> None:
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=target.url, trust_env=False, timeout=30, headers=headers) as http:
        for _ in range(times):
            answer = await http.get("/v1/orders?limit=1")
            assert answer.status_code == 200, answer.text


async def signs_in(target: Target, client_id: str, secret: str) -> None:
    async with httpx.AsyncClient(base_url=target.url, trust_env=False, timeout=60) as http:
        form = {"grant_type": "client_credentials"}
        answer = await http.post("/oauth/token", data=form, auth=(client_id, secret))
        assert answer.status_code == 200, answer.text


async def counted(target: Target, name: str) -> float:
    async with httpx.AsyncClient(base_url=target.url, trust_env=False, timeout=30) as http:
        lines = (await http.get("/metrics")).text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


async def test_valid_keys_are_served_while_thousands_of_bad_ones_come_from_their_address(target: Target):
    company = await target.company()
    async with operator_of(target.url) as operator:
        known = await key_of(operator, company)
        await is_served(target, known)
        flood = Flood(target.port, bad_key, connections=50, enough=3000)
        async with under_way(flood.run(), begun=flood.begun.wait()) as attack:
            await is_served(target, known, times=10)
            for _ in range(3):
                await is_served(target, await key_of(operator, company))
            await company.is_served(times=5)
            assert attack.runs()

    assert set(flood.answers) == {401, 429}, "bad keys are told that they are bad, and then to wait"
    assert flood.answers[401] >= 1200


async def test_unknown_keys_share_statements_so_that_the_database_has_room_for_all_else(target: Target):
    unknown, statements = 'backoffice_gateway_lookups_total{found="no",kind="key"}', LOOKUP_STATEMENTS
    before = await counted(target, unknown), await counted(target, statements)
    flood = Flood(target.port, bad_key, connections=200, enough=2000)
    async with under_way(flood.run(), begun=flood.begun.wait()) as attack:
        await (await target.company()).is_served(times=5)
        assert attack.runs()

    async def all_counted() -> float | None:
        found = await counted(target, unknown) - before[0]
        return found if found >= 2000 else None

    looked_up = await eventually(all_counted)
    assert (await counted(target, statements) - before[1]) * 5 < looked_up


async def test_clients_get_tokens_while_hundreds_of_wrong_secrets_are_compared(target: Target):
    company = await target.company()
    async with operator_of(target.url) as operator:
        wish = {"name": "ERP", "scopes": ["orders:read"]}
        path = f"/v1/tenants/{company.id}/clients"
        known = await made(operator, path, wish)
        await signs_in(target, known["client_id"], known["client_secret"])
        flood = Flood(target.port, wrong_secrets(known["client_id"]), connections=300, enough=300)
        async with under_way(flood.run(), begun=flood.begun.wait()) as attack:
            for _ in range(5):
                await signs_in(target, known["client_id"], known["client_secret"])
            fresh = await made(operator, path, wish)
            await signs_in(target, fresh["client_id"], fresh["client_secret"])
            assert attack.runs()

    assert 200 not in flood.answers
    assert set(flood.answers) <= {401, 429, 503}
