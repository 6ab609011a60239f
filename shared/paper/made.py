"""What making a paper document comes to: its bytes, and what whoever asked should know of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Paper:
    """A PDF, and sentences about what in it is not as it was meant; none when all is well."""

    content: bytes
    warnings: tuple[str, ...] = ()


def missing_letters(codes: Iterable[int]) -> tuple[str, ...]:
    """The warning that some characters have no font; nothing when there are none. ASCII, for a header."""
    found = sorted(codes)
    if not found:
        return ()
    named = ", ".join(f"U+{code:04X}" for code in found[:_MOST_NAMED])
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return (f"printed as code points, since no font here has them: {named}{more}",)
