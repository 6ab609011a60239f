"""One attacker, in a process of its own: `python -m benchmarks.attackers NAME PORT TOKEN`, until it is killed.

Each sends what a caller may send who means ill, or whose program is broken, as fast as it can from a few connections.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import uvloop

from benchmarks.client import BadAnswer, Connection

CONNECTIONS = 4
HOST = "127.0.0.1"
MIB = 1024 * 1024
BROKEN_FILE = (
    b"order_ref,sku,description,quantity,unit_price,customer_ref\n" + b'R,"open,x,1,1.00,C\n' * 100_000
)
BOUNDARY = "attack"


class Attacker:
    """A client company that sends what it likes."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.token = token

    def connect(self) -> Connection:
        """A connection of its own."""
        return Connection(HOST, self.port, {"authorization": f"Bearer {self.token}"})

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> None:
        """Ask again and again over one connection, whatever comes back."""
        connection = self.connect()
        while True:
            try:
                await connection.raw(method, path, body, **headers)
            except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                connection.close()
                connection = self.connect()
                await asyncio.sleep(0.05)

    async def hold(self, first: bytes) -> None:
        """Open a connection, send the beginning of a request, and wait for as long as it is left open."""
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection(HOST, self.port)
                writer.write(first)
                while await reader.read(65536):
                    pass
                writer.close()
            await asyncio.sleep(0.1)


async def header_values(by: Attacker) -> None:
    """60 KB of escaped quotes in a header that is parsed."""
    value = '"' + '\\"' * 30_000
    await _at_once(by.send("GET", "/v1/orders?limit=1", prefer=value) for _ in range(CONNECTIONS))


async def unknown_keys(by: Attacker) -> None:
    """As many unknown keys as the body may hold."""
    body = {f"k{n}": n for n in range(60_000)}
    await _at_once(by.send("POST", "/v1/orders", body) for _ in range(CONNECTIONS))


async def large_documents(by: Attacker) -> None:
    """20 MB of JSON that no operation wants."""
    body = json.dumps({f"k{n}": "x" * 10 for n in range(800_000)}).encode()
    await _at_once(by.send("POST", "/v1/customers", body) for _ in range(2))


async def broken_imports(by: Attacker) -> None:
    """Files full of quotes that are never closed."""
    head = (
        f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\n'
        "content-type: text/csv\r\n\r\n"
    )
    body = head.encode() + BROKEN_FILE + f"\r\n--{BOUNDARY}--\r\n".encode()
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    await _at_once(by.send("POST", "/v1/order-imports", body, content_type=kind) for _ in range(2))


async def silent_bodies(by: Attacker) -> None:
    """Requests whose bodies never come."""
    head = (
        f"POST /v1/orders HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {by.token}\r\n"
        "content-type: application/json\r\ncontent-length: 1000\r\n\r\n{"
    ).encode()
    await _at_once(by.hold(head) for _ in range(400))


async def silent_connections(by: Attacker) -> None:
    """Connections on which nothing is said."""
    await _at_once(by.hold(b"G") for _ in range(900))


async def bad_keys(by: Attacker) -> None:
    """API keys that are nobody's."""

    async def guess() -> None:
        while True:
            wrong = Attacker(by.port, f"bo_live_{os.urandom(24).hex()}").connect()
            with suppress(OSError, asyncio.IncompleteReadError):
                await wrong.raw("GET", "/v1/orders?limit=1")
            wrong.close()

    await _at_once(guess() for _ in range(CONNECTIONS))


async def wrong_secrets(by: Attacker) -> None:
    """Guesses at the token endpoint."""
    kind = "application/x-www-form-urlencoded"

    async def guess(number: int) -> None:
        while True:
            body = f"grant_type=client_credentials&client_id=nobody-{number}&client_secret=wrong".encode()
            connection = Connection(HOST, by.port, {})
            with suppress(OSError, asyncio.IncompleteReadError):
                await connection.raw("POST", "/oauth/token", body, content_type=kind)
            connection.close()

    await _at_once(guess(n) for n in range(16))


async def renderings(by: Attacker) -> None:
    """Forty at a time of the largest document it has."""
    found = await by.connect().call("GET", "/v1/invoices?limit=1")
    path = f"/v1/invoices/{found['items'][0]['id']}/pdf"
    await _at_once(by.send("GET", path) for _ in range(40))


async def large_orders(by: Attacker) -> None:
    """Orders of five hundred lines, several at a time."""
    api = by.connect()
    customers, products = (
        await api.call("GET", "/v1/customers?limit=1"),
        await api.call("GET", "/v1/products?limit=1"),
    )
    line = {"sku": products["items"][0]["sku"], "quantity": 1}
    body = {"customer_id": customers["items"][0]["id"], "lines": [line] * 500, "confirm": True}
    await _at_once(by.send("POST", "/v1/orders", body) for _ in range(16))


async def waiting(by: Attacker) -> None:
    """Three hundred who wait for what never comes."""
    nobody = "0190a000-0000-7000-8000-000000000000"
    path = f"/v1/invoices?order_id={nobody}"
    await _at_once(by.send("GET", path, prefer="wait=10") for _ in range(300))


async def _at_once(attacks: Any) -> None:
    await asyncio.gather(*attacks)


ATTACKS: dict[str, Callable[[Attacker], Awaitable[None]]] = {
    "60 KB of quotes in a header": header_values,
    "60,000 unknown keys": unknown_keys,
    "20 MB of JSON": large_documents,
    "files of unclosed quotes": broken_imports,
    "400 bodies that never come": silent_bodies,
    "900 silent connections": silent_connections,
    "API keys that are nobody's": bad_keys,
    "wrong secrets": wrong_secrets,
    "40 PDFs at a time": renderings,
    "orders of 500 lines": large_orders,
    "300 who wait": waiting,
}


async def main(name: str, port: str, token: str) -> None:
    """Attack until killed."""
    with suppress(BadAnswer):
        await ATTACKS[name](Attacker(int(port), token))


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
