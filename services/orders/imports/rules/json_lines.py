"""A file of one JSON object a line, in UTF-8."""

import json
from collections.abc import Iterator, Mapping, Sequence

from services.orders.imports.rules.model import MAX_CELL, Code, Number, Reading, RefusedRow
from services.orders.imports.rules.records import Numbered, Record, cell_text

MAX_JSON_LINE = 100 * MAX_CELL


class JsonLines:
    """Lines of JSON; a number in them is one, whatever the option `decimal` says of texts."""

    def __init__(self, lines: Iterator[str], reading: Reading) -> None:
        """`lines` are read as Latin-1, so that a line's bytes are known whatever they are."""
        self._lines = lines
        self._mapping = reading.mapping

    def records(self) -> Iterator[Numbered]:
        """The records in turn; empty lines have no number."""
        number = 0
        for line in self._lines:
            raw = line.rstrip("\r\n").encode("latin-1")
            if not raw.strip():
                yield number, b"", None
                continue
            number += 1
            record = self.read(raw)
            blank = not isinstance(record, RefusedRow) and not any(map(str.strip, record.values()))
            yield number, raw, None if blank else record

    def read(self, raw: bytes) -> Record:
        """What a line says."""
        if len(raw) > MAX_JSON_LINE:
            return RefusedRow(Code.CELL, f"The line has more than {MAX_JSON_LINE:,} bytes; shorten it.")
        try:
            document = json.loads(
                raw.decode("utf-8"),
                parse_float=Number,
                parse_int=Number,
                parse_constant=str,
                object_pairs_hook=_object,
            )
        except UnicodeDecodeError:
            return RefusedRow(Code.ENCODING, "The line is not valid UTF-8; save the file as UTF-8.")
        except _Twice:
            text = "The object has a field twice, and we cannot know which is meant; rename one."
            given = json.loads(raw)
            found = {"order_ref": given.get(self._mapping["order_ref"]) if isinstance(given, dict) else None}
            return RefusedRow(Code.JSON, text, order_ref=_ref_in(found))
        except (ValueError, RecursionError):
            return RefusedRow(Code.JSON, "The line is not valid JSON; write one object a line.")
        if not isinstance(document, dict):
            return RefusedRow(Code.JSON, "The line is not a JSON object; write one object a line.")
        found = {ours: document.get(theirs) for ours, theirs in self._mapping.items()}
        if any(isinstance(value, dict | list | bool) for value in found.values()):
            return RefusedRow(
                Code.JSON, "A field is not a text or number; send one of these.", order_ref=_ref_in(found)
            )
        return {ours: value if type(value) is Number else cell_text(str(value))
                for ours, value in found.items() if value is not None}  # fmt: skip


class _Twice(Exception):  # noqa: N818 - a refusal, not an error of ours
    """An object has a key twice, of which JSON's readers silently take the last."""


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = {cell_text(key): value for key, value in pairs}
    if len(found) != len(pairs):
        raise _Twice
    return found


def _ref_in(found: Mapping[str, object]) -> str:
    """The order that an object names of which another field is no text."""
    ref = found.get("order_ref")
    return cell_text(ref.strip()) if isinstance(ref, str) else ""
