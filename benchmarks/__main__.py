"""`make bench`: measure, compare with the ceilings of the same run, write benchmarks/results.md.

make bench                        everything, about half an hour; peers are installed on demand (PyPI, Debian)
make bench ARGS="orders gateway"  some parts; only their sections of the file are replaced
"""

import os
import platform
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from benchmarks import attacks, bus, distributed, gateway, growth, parts, payroll
from benchmarks.peers import tryton
from benchmarks.report import Section, write

PARTS: dict[str, Callable[[], Awaitable[Section]]] = {
    "orders": parts.orders,
    "cash": parts.cash,
    "gateway": gateway.measure,
    "embedded": parts.embedded,
    "imports": parts.imports,
    "growth": growth.growth,
    "bus": bus.measure,
    "distributed": distributed.distributed,
    "attacks": attacks.attacks,
    "payroll": payroll.payroll,
    "peers": tryton.peers,
}


async def main(wanted: list[str]) -> None:
    """Run the parts one after the other."""
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        sys.exit(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    for name in wanted or PARTS:
        print(f"measuring {name}…", flush=True)
        section = await PARTS[name]()
        print(section.text, flush=True)
        write(Path(__file__).parent / "results.md", f"{datetime.now(UTC):%Y-%m-%d}, {machine}", [section])


if __name__ == "__main__":  # processes that are forked read this module again
    uvloop.run(main(sys.argv[1:]))
