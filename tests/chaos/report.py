"""What a run prints, and the report that it writes."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos.rounds import Outcome

LONGEST_SENTENCE = 300


def verdict(outcome: Outcome) -> str:
    """In a word."""
    return "good" if not outcome.wrong else "VIOLATED"


def line(outcome: Outcome) -> str:
    """A round in a line."""
    tries = ", ".join(f"{count}× {reason}" for reason, count in outcome.unanswered.items())
    return (
        f"{outcome.number:3} {verdict(outcome):8} {outcome.fault} ({outcome.target}): {outcome.orders} orders, "
        f"through again after {outcome.recovery:.1f} s (usually {outcome.usual:.1f} s), "
        f"settled in {outcome.settling:.1f} s" + (f"; repeated: {tries}" if tries else "")
    )


def markdown(outcomes: Sequence[Outcome], *, command: str, seed: int, within: float) -> str:
    """The report of a run."""
    bad = [outcome for outcome in outcomes if outcome.wrong]
    orders = sum(outcome.orders for outcome in outcomes)
    lines = [
        "# Faults: report of a run",
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, `{command}` (seed {seed}), Python {platform.python_version()}, "
        f"{os.cpu_count()} cores with a load of {os.getloadavg()[2]:.1f} from this run and others.",
        "",
        f"{len(outcomes)} rounds, {orders} orders, {sum(o.requests for o in outcomes)} requests; {len(bad)} rounds "
        f"with a violation. Recovery and settling may take {within:.0f} s.",
        "",
        "*Usual*: how long an order took from its taking to its invoice before the fault. "
        "*Recovery*: from the fault's end until an order that was begun after it has its invoice. *Settling*: from "
        "the end of the load until all orders are invoiced, paid and show it. *Repeated*: tries that were no answer, "
        "after which the client tried again under the same key. What is checked: docstring of `tests/chaos`.",
        "",
        "| round | fault | target | orders | usual s | fault s | recovery s | settling s | slowest answer s "
        "| repeated | verdict |",
        "|---:|---|---|---:|---:|---:|---:|---:|---:|---|---|",
    ]
    lines += [_row(outcome) for outcome in outcomes]
    if bad:
        lines += ["", "## Violations", ""]
        lines += [
            f"- round {outcome.number}, {outcome.fault} ({outcome.target}): {sentence[:LONGEST_SENTENCE]}"
            for outcome in bad
            for sentence in outcome.wrong[:10]
        ]
    return "\n".join([*lines, ""])


def _row(outcome: Outcome) -> str:
    tries = ", ".join(f"{count}× {reason}" for reason, count in outcome.unanswered.items())
    cells = (
        outcome.number, outcome.fault, outcome.target, outcome.orders, f"{outcome.usual:.1f}",
        f"{outcome.fault_seconds:.1f}",
        f"{outcome.recovery:.1f}", f"{outcome.settling:.1f}", f"{outcome.slowest:.1f}", tries, verdict(outcome),
    )  # fmt: skip
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def write(path: Path, outcomes: Sequence[Outcome], *, command: str, seed: int, within: float) -> None:
    """Write the report; after each round, so that a run that is broken off has one, too."""
    path.write_text(markdown(outcomes, command=command, seed=seed, within=within))
