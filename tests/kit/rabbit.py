"""A real RabbitMQ for tests: one of your own, one in a container, or one found or installed on this machine.

`BACKOFFICE_TEST_AMQP_URL` names one of your own (with its management address in `BACKOFFICE_TEST_RABBIT_API`). Else
the tests run on every kind there is: `container` where a Docker engine answers, `local` where a
`rabbitmq-server` is installed. Without either it is installed, where we may. `BACKOFFICE_TEST_BROKERS=local,container`
demands the kinds it lists.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import quote, urlsplit

import httpx

from shared.values.ids import new_id
from tests.kit import rabbit_container, rabbit_local

URL_VARIABLE = "BACKOFFICE_TEST_AMQP_URL"
API_VARIABLE = "BACKOFFICE_TEST_RABBIT_API"
KINDS_VARIABLE = "BACKOFFICE_TEST_BROKERS"
KINDS = ("local", "container")


NOT_OURS = f"{URL_VARIABLE} names a broker of your own, which a test must not stop or fill"


class NoBroker(RuntimeError):  # noqa: N818 - a refusal named by its reason
    """There is no RabbitMQ to test against, and why."""


@dataclass(frozen=True)
class Broker:
    """A running RabbitMQ: its address, its management API and, where it is ours, its command."""

    kind: str
    url: str
    api: str
    command: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    crash_now: Callable[[], None] | None = None

    async def crash(self) -> None:
        """Kill the broker as a power cut would and start it again; only where it is ours."""
        if self.crash_now is None:
            raise NoBroker(NOT_OURS)
        await asyncio.to_thread(self.crash_now)

    async def ctl(self, *arguments: str) -> str:
        """`rabbitmqctl`; only for a broker that is ours."""
        if not self.command:
            raise NoBroker(NOT_OURS)
        process = await asyncio.create_subprocess_exec(
            *self.command,
            *arguments,
            env=os.environ | self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"rabbitmqctl {' '.join(arguments)} failed: {output.decode()}")
        return output.decode()

    async def call(self, method: str, path: str, body: object = None) -> httpx.Response:
        """The management API; the path begins behind `/api/`."""
        parts = urlsplit(self.url)
        async with httpx.AsyncClient(auth=(parts.username or "", parts.password or "")) as api:
            answer = await api.request(method, f"{self.api}/api/{path}", json=body)
        answer.raise_for_status()
        return answer

    async def new_vhost(self) -> str:
        """A virtual host of its own; returns the address in it."""
        name = f"test-{new_id().hex}"
        await self.call("PUT", f"vhosts/{name}", {})
        user = urlsplit(self.url).username or ""
        await self.call(
            "PUT",
            f"permissions/{name}/{quote(user)}",
            {"configure": ".*", "write": ".*", "read": ".*"},
        )
        return f"{self.url.rsplit('/', 1)[0]}/{name}"

    async def drop_vhost(self, url: str) -> None:
        """Delete a virtual host with everything in it."""
        await self.call("DELETE", f"vhosts/{url.rsplit('/', 1)[1]}")


@cache
def kinds() -> tuple[str, ...]:
    """The kinds of broker to test on; none when there is no RabbitMQ and none can be installed."""
    if os.environ.get(URL_VARIABLE):
        return ("own",)
    listed = tuple(name for name in os.environ.get(KINDS_VARIABLE, "").split(",") if name)
    if unknown := set(listed) - set(KINDS):
        raise NoBroker(f"{KINDS_VARIABLE} knows {', '.join(KINDS)}; not {', '.join(sorted(unknown))}")
    if listed:
        return listed
    found = [
        name
        for name, there in (
            ("local", rabbit_local.installed()),
            ("container", rabbit_container.demanded() or rabbit_container.available()),
        )
        if there
    ]
    if not found and rabbit_local.installable():
        found = ["local"]
    return tuple(found)


def demanded() -> bool:
    """Whether a missing broker is a failure: continuous integration must not become green by leaving tests out."""
    return rabbit_container.demanded() or os.environ.get("CI") == "true"


MISSING = (
    "no RabbitMQ: no Docker engine answers and no rabbitmq-server is installed. Install one (Debian, Ubuntu: apt "
    f"install rabbitmq-server), start Docker, or name a broker in {URL_VARIABLE}."
)


@contextmanager
def running(kind: str) -> Iterator[Broker]:
    """A broker of that kind for the length of a block."""
    if kind == "own":
        url = os.environ[URL_VARIABLE]
        api = os.environ.get(API_VARIABLE) or f"http://{urlsplit(url).hostname}:15672"
        yield Broker("own", url, api)
    elif kind == "container":
        with rabbit_container.running() as server:
            yield Broker("container", server.url, server.api, server.ctl, {}, server.crash)
    elif kind == "local":
        if not rabbit_local.installed():
            rabbit_local.install()
        with rabbit_local.running() as node:
            yield Broker("local", node.url, node.api, [str(node.ctl)], node.environment, node.crash)
    else:
        raise NoBroker(MISSING)
