"""`python -m tests.chaos`: rounds of faults, with a report."""

import argparse
import asyncio
import secrets
import shlex
import signal
import sys
import time
from pathlib import Path

from deploy.cli.console import console
from tests.chaos import report
from tests.chaos.faults import FAULTS
from tests.chaos.laboratory import Laboratory, laboratory
from tests.chaos.rounds import Outcome, planned_faults, play


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description="Faults in the whole suite under load."
    )
    parser.add_argument("--rounds", type=int, default=10, help="how many rounds")
    parser.add_argument(
        "--minutes", type=float, default=0, help="begin no round after so many minutes; 0: no end"
    )
    parser.add_argument("--seed", type=int, default=None, help="repeat the run that printed this seed")
    parser.add_argument("--first", type=int, default=1, help="begin with this round of that run")
    parser.add_argument("--faults", default="", help="only faults whose name contains one of these, by comma")
    parser.add_argument(
        "--within", type=float, default=10, help="seconds that recovery and settling may take"
    )
    parser.add_argument("--report", type=Path, default=None, help="write a report (Markdown) to this file")
    parser.add_argument("--keep", type=Path, default=None, help="copy the processes' logs into this folder")
    parser.add_argument("--list", action="store_true", help="list the faults and end")
    return parser.parse_args()


def main() -> int:
    """Run; 1 when anything was violated."""
    asked = arguments()
    if asked.list:
        for name in FAULTS:
            console.print(name)
        return 0
    if missing := [fault.name for fault in FAULTS.values() if not fault.possible]:
        console.print(
            f"Left out, since libfaketime is not installed (apt install faketime): {', '.join(missing)}"
        )
    return asyncio.run(_until_stopped(asked))


async def _until_stopped(asked: argparse.Namespace) -> int:
    """Run; SIGTERM, like Ctrl-C, ends it and leaves nothing behind."""
    running = asyncio.ensure_future(_run(asked))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    try:
        return await running
    except asyncio.CancelledError:
        return 130


async def _run(asked: argparse.Namespace) -> int:
    seed = asked.seed if asked.seed is not None else secrets.randbelow(10**6)
    only = [part.strip() for part in asked.faults.split(",") if part.strip()]
    faults = planned_faults(seed, asked.first - 1 + asked.rounds, only)
    command = f"python -m tests.chaos {shlex.join(_public(sys.argv[1:]))}"
    console.print(f"seed {seed}: {len(faults) - asked.first + 1} rounds; starting the laboratory…")
    outcomes: list[Outcome] = []
    began = time.monotonic()
    async with laboratory() as lab:
        console.print(f"The laboratory is ready after {time.monotonic() - began:.0f} s.")
        for number, fault in enumerate(faults, 1):
            if number < asked.first or (asked.minutes and time.monotonic() - began > asked.minutes * 60):
                continue
            outcome = await play(lab, fault, number=number, seed=seed, within=asked.within)
            outcomes.append(outcome)
            _tell(outcome)
            if asked.report:
                report.write(asked.report, outcomes, command=command, seed=seed, within=asked.within)
            await _whole_again(lab, asked)
    bad = sum(bool(outcome.wrong) for outcome in outcomes)
    console.print(f"{len(outcomes)} rounds, {bad} with a violation; seed {seed}.")
    return 1 if bad or not outcomes else 0


def _tell(outcome: Outcome) -> None:
    console.print(report.line(outcome), markup=False, highlight=False, soft_wrap=True)
    for sentence in outcome.wrong[:10]:
        console.print(f"      {sentence}", markup=False, highlight=False, soft_wrap=True)


async def _whole_again(lab: Laboratory, asked: argparse.Namespace) -> None:
    """Nothing of one round may fail the next one."""
    if asked.keep:
        asked.keep.mkdir(parents=True, exist_ok=True)
        for process in lab.suite.processes.values():
            (asked.keep / process.log_file.name).write_text(process.log)
    for link in lab.links.values():
        link.mend()
    await lab.back(*lab.suite.processes.values())
    await lab.ready()


def _public(words: list[str]) -> list[str]:
    """The command without the names of files."""
    return [word for number, word in enumerate(words) if not _names_file(words, number)]


def _names_file(words: list[str], number: int) -> bool:
    flags = ("--report", "--keep")
    return words[number].startswith(flags) or (number > 0 and words[number - 1] in flags)
