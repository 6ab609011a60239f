"""A consumer as a process of its own: `python -m tests.shared.bus.consumer_process KIND URL SPEC`.

It writes what it has handled to a journal, one JSON text a line, on the disk before `deliver` returns: that is its
effect. It can be told to kill itself with SIGKILL before or after the effect of a message. It prints `ready` and
works until SIGTERM.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from shared.bus.transport import Delivery, Transport


def transport_of(kind: str, url: str, password: str) -> Transport:
    """Only what is needed is imported: a test waits for this process to start."""
    if kind == "pg":
        from shared.bus.pg.transport import PgTransport

        return PgTransport(url, password=password, poll_seconds=0.02)
    from shared.bus.amqp.transport import AmqpTransport

    return AmqpTransport(url, name="consumer of a test", retry_seconds=0.02)


def write_line(journal: Path, line: str) -> None:
    with journal.open("a") as file:
        file.write(line + "\n")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main(kind: str, url: str, spec: dict[str, str]) -> None:
    journal = Path(spec["journal"])

    async def deliver(delivery: Delivery) -> None:
        if delivery.text == spec.get("die_before"):
            die()
        write_line(journal, json.dumps(delivery.text))
        if delivery.text == spec.get("die_after"):
            die()
        await asyncio.sleep(float(spec.get("slow", "0")))

    transport = transport_of(kind, url, spec["password"])
    await transport.start()
    subscription = await transport.subscribe(spec["queue"], [spec["type"]], deliver, concurrency=4)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    print("ready", flush=True)  # noqa: T201 - the parent waits for it
    await stop.wait()
    await subscription.stop()
    await transport.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))
