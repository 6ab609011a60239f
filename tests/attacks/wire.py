"""Speaking HTTP/1.1 by hand, for what no client library would send; and what it costs the processes that hear it."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson
import psutil

from tests.attacks.bystander import Target


@dataclass(frozen=True)
class Said:
    """An answer."""

    status: int
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """The problem document it is."""
        found: dict[str, Any] = orjson.loads(self.body)
        return found


async def said(port: int, method: str, target: str, *lines: bytes) -> Said:
    """The answer to a request without a body, its target and further header lines sent as they are given."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(
            b"%b %b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
            % (method.encode(), target.encode("latin-1"))
        )
        writer.write(b"".join(line + b"\r\n" for line in lines) + b"\r\n")
        answer = await reader.read()
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    return Said(int(head.split(b" ")[1]), body)


def cpu_seconds(target: Target) -> float:
    """CPU time that the deployment's processes have taken so far."""
    spent = 0.0
    for process in target.suite.processes.values():
        if process.pid is not None:
            parent = psutil.Process(process.pid)
            for each in (parent, *parent.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    times = each.cpu_times()
                    spent += times.user + times.system
    return spent
