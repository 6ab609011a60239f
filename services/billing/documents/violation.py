"""A rule of e-invoicing that a document breaks, and the fact that is missing or wrong."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """`rule` as the standard names it, `pointer` to the fact in the document, `message` what to mend."""

    rule: str
    pointer: str
    message: str

    @property
    def facts(self) -> dict[str, str]:
        """As a fact of a refusal."""
        return asdict(self)
