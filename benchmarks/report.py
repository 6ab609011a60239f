"""Results as Markdown: medians with their spread, beside the ceiling of the same run."""

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


HEAD = """# Results

`make bench`: medians with the lowest and highest run, beside the ceiling or peer of the same run. Load generator, suite
and PostgreSQL share the machine's cores, and its speed swings by a factor of two to three over a day. Absolute figures
belong to the machine; the ratios are what is promised.
"""


def write(path: Path, when: str, sections: Sequence[Section]) -> None:
    """Put sections into the results file, each in the place of its last measurement, with the day and machine."""
    kept = _read(path.read_text()) if path.exists() else {}
    for section in sections:
        kept[section.title] = f"{when}\n\n{section.text}"
    parts = [HEAD, *(f"## {title}\n\n{text}\n" for title, text in kept.items())]
    path.write_text("\n".join(parts))


def _read(text: str) -> dict[str, str]:
    """The sections of a results file, in their order."""
    titled = (part.split("\n", 1) for part in text.split("\n## ")[1:])
    return {title.strip(): rest.strip() for title, rest in titled}
