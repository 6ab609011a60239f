"""A small HTTP/1.1 client for load: keep-alive, no redirects, no cookies; about 50 µs of CPU per request."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any

import orjson


class BadAnswer(RuntimeError):  # noqa: N818 - what it is
    """The server answered otherwise than the benchmark needs."""


class Connection:
    """One keep-alive connection."""

    def __init__(self, host: str, port: int, headers: dict[str, str]) -> None:
        self._host, self._port = host, port
        self._head = "".join(f"{k}: {v}\r\n" for k, v in ({"host": f"{host}:{port}"} | headers).items())
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One request; returns the JSON, raises on 4xx and 5xx."""
        status, content = await self.raw(method, path, body, **headers)
        if status >= 400:
            raise BadAnswer(f"{method} {path}: {status} {content[:400]!r}")
        return orjson.loads(content) if content else None

    async def upload(self, path: str, body: bytes, content_type: str) -> Any:
        """POST bytes as they are."""
        status, content = await self.raw("POST", path, body, content_type=content_type)
        if status >= 400:
            raise BadAnswer(f"POST {path}: {status} {content[:400]!r}")
        return orjson.loads(content)

    async def raw(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        """One request; answers status and bytes."""
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        assert self._reader is not None
        content = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
        head = f"{method} {path} HTTP/1.1\r\n{self._head}"
        head += "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in headers.items())
        if body is not None:
            head += f"content-length: {len(content)}\r\n"
            head += "" if "content_type" in headers else "content-type: application/json\r\n"
        elif method != "GET":
            head += "content-length: 0\r\n"
        self._writer.write(head.encode() + b"\r\n" + content)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        status = int(answer[9:12])
        lower = answer.lower()
        at = lower.find(b"content-length:")
        if at >= 0:
            length = int(lower[at + 15 : lower.index(b"\r\n", at)])
            return status, await self._reader.readexactly(length)
        if b"transfer-encoding: chunked" in lower:
            return status, await self._chunked()
        return status, b""

    async def _chunked(self) -> bytes:
        assert self._reader is not None
        parts = []
        while size := int((await self._reader.readline()).split(b";")[0], 16):
            parts.append(await self._reader.readexactly(size))
            await self._reader.readexactly(2)
        await self._reader.readline()
        return b"".join(parts)

    def close(self) -> None:
        """Hang up; the next request opens a connection anew."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


@dataclass
class Measured:
    """What a load run measured: operations per second and latencies in milliseconds."""

    seconds: float
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    @property
    def p50(self) -> float:
        return median(self.latencies) * 1000

    @property
    def p99(self) -> float:
        return quantiles(self.latencies, n=100)[98] * 1000 if len(self.latencies) > 1 else self.p50


async def load(
    operation: Callable[[Connection, int], Awaitable[object]],
    connect: Callable[[], Connection],
    *,
    total: int,
    concurrency: int,
) -> Measured:
    """Run an operation so many times, so many at once; each worker has a connection of its own."""
    counter = iter(range(total))
    result = Measured(0.0)

    async def worker() -> None:
        connection = connect()
        for number in counter:
            begun = time.perf_counter()
            await operation(connection, number)
            result.latencies.append(time.perf_counter() - begun)
        connection.close()

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    result.seconds = time.perf_counter() - started
    return result
