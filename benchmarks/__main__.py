"""`make bench`: measure, compare with the ceilings of the same run, write benchmarks/results.md.

make bench                        everything, about ten minutes
make bench ARGS="orders gateway"  some parts; the file is written only when all ran
"""

import platform
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from benchmarks import gateway, parts
from benchmarks.report import Section, write

PARTS: dict[str, Callable[[], Awaitable[Section]]] = {
    "orders": parts.orders,
    "cash": parts.cash,
    "gateway": gateway.measure,
    "embedded": parts.embedded,
    "imports": parts.imports,
}


async def main(wanted: list[str]) -> None:
    """Run the parts one after the other."""
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        sys.exit(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    sections = []
    for name in wanted or PARTS:
        print(f"measuring {name}…", flush=True)
        section = await PARTS[name]()
        print(section.text, flush=True)
        sections.append(section)
    if not wanted:
        head = f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, Python {platform.python_version()}"
        write(Path(__file__).parent / "results.md", head, sections)


uvloop.run(main(sys.argv[1:]))
