"""Results as Markdown: medians with their spread, beside the ceiling of the same run."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Section:
    """One part's results."""

    title: str
    text: str


def spread(values: Sequence[float], digits: int = 0) -> str:
    """`median (lowest to highest)`."""
    return f"{median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [" | ".join(head), " | ".join("---" for _ in head), *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)


def write(path: Path, head: str, sections: Sequence[Section]) -> None:
    """Write the results file."""
    text = [
        "# Results",
        "",
        f"`make bench`, {head}, {os.cpu_count()} cores shared by load generator, suite and PostgreSQL. Medians",
        "with the lowest and highest run. Absolute figures belong to the machine; the ratios are what is promised.",
    ]
    for section in sections:
        text += ["", f"## {section.title}", "", section.text]
    path.write_text("\n".join(text) + "\n")
