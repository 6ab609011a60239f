"""Editions of a country's tables: dated data files with their sources, chosen by the day of pay.

A file is JSON: `edition`, `valid_from`, `valid_to` (both inclusive), `retrieved_on`, `sources` (by key: publication,
url, ...), `unconfirmed` (what nobody has seen in print yet), `checksum` and `figures`. All figures are decimal texts,
stored as published. The checksum is the SHA-256 of the canonical JSON of everything else, so that a figure is never
changed unnoticed: `python -m services.payroll.engine.editions FILE...` writes it anew.
"""

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from shared.values.faults import FieldError, Invalid


class MissingEdition(Invalid):
    """No tables of the pack for that day (422); last year's are never used in their place."""

    code = "missing_pack"

    def __init__(self, pack: str, day: date, known: Sequence["Edition"]) -> None:
        names = ", ".join(f"{e.edition} ({e.valid_from} to {e.valid_to})" for e in known) or "none"
        sentence = f"Pack {pack} has no edition for pay on {day}; it has {names}."
        super().__init__(
            sentence, errors=[FieldError("/pay_on", self.code, sentence)], pack=pack, pay_on=str(day)
        )


class AlteredEdition(RuntimeError):  # noqa: N818 - named for what happened
    """A data file does not match its checksum, or two hold on the same day; nothing may be calculated with it."""


@dataclass(frozen=True)
class Edition:
    """The tables of one tax year, or of the part of one in which they were in force."""

    pack: str
    edition: str
    valid_from: date
    valid_to: date
    retrieved_on: date
    sources: Mapping[str, Any]
    unconfirmed: Sequence[str]
    checksum: str
    figures: Mapping[str, Any]


def checksum_of(document: Mapping[str, Any]) -> str:
    """SHA-256 of everything but the checksum, as canonical JSON."""
    content = {key: value for key, value in document.items() if key != "checksum"}
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def read_edition(pack: str, path: Path) -> Edition:
    """Read a data file; raises AlteredEdition when its checksum is not its own."""
    document = orjson.loads(path.read_bytes())
    if document["checksum"] != checksum_of(document):
        raise AlteredEdition(f"{path.name} of pack {pack} is not what its checksum was made of.")
    return Edition(
        pack=pack,
        edition=document["edition"],
        valid_from=date.fromisoformat(document["valid_from"]),
        valid_to=date.fromisoformat(document["valid_to"]),
        retrieved_on=date.fromisoformat(document["retrieved_on"]),
        sources=document["sources"],
        unconfirmed=document["unconfirmed"],
        checksum=document["checksum"],
        figures=document["figures"],
    )


@cache
def editions_in(pack: str, folder: Path) -> tuple[Edition, ...]:
    """All editions in a folder, oldest first; read once."""
    found = sorted((read_edition(pack, path) for path in folder.glob("*.json")), key=lambda e: e.valid_from)
    for earlier, later in pairwise(found):
        if later.valid_from <= earlier.valid_to:
            raise AlteredEdition(
                f"{earlier.edition} and {later.edition} of pack {pack} hold on the same day."
            )
    return tuple(found)


def edition_for(pack: str, editions: Sequence[Edition], day: date) -> Edition:
    """The edition in force on a day of pay; raises MissingEdition."""
    for edition in editions:
        if edition.valid_from <= day <= edition.valid_to:
            return edition
    raise MissingEdition(pack, day, editions)


def main(paths: Sequence[str]) -> None:
    """Write the checksum of data files whose figures were changed on purpose."""
    for path in map(Path, paths):
        document = json.loads(path.read_text())
        document["checksum"] = checksum_of(document)
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
