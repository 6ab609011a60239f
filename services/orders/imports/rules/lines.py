"""A file's lines, one after the other, whatever it holds: never more of it in memory than two of them.

Bytes that are not of the file's encoding survive as lone surrogates, so that they refuse their own row only.
"""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from services.orders.imports.rules.model import MAX_RECORD, Reading, UnreadableFile

MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16", codecs.BOM_UTF8: "utf-8"}
ARCHIVE = b"PK\x03\x04"  # what a workbook begins with
CUT = MAX_RECORD + 1  # what is read of a line: enough to know that it is too long


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    """For what is no UTF-16; Python's own `surrogateescape` knows no bytes below 128, of which there are some here."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udc80", error.end


codecs.register_error("orders.no_utf_16", _stand_in)


def open_text(path: str, reading: Reading) -> TextIO:
    """The file as text, its line ends as they are.

    A byte-order mark counts more than what was said of the encoding. Of JSON lines the text is Latin-1, whose
    characters are the bytes: what these mean is asked line by line. Raises UnreadableFile for a workbook.
    """
    with Path(path).open("rb") as file:
        head = file.read(4)
    if head == ARCHIVE:
        text = "The file is a workbook or an archive, no text; of a workbook set the option format to xlsx."
        raise UnreadableFile(text, code="format_wrong")
    if reading.format == "jsonl":
        return Path(path).open(encoding="latin-1", newline="")
    marked = (encoding for mark, encoding in MARKS.items() if head.startswith(mark))
    encoding = next(marked, reading.encoding)
    errors = "orders.no_utf_16" if encoding == "utf-16" else "surrogateescape"
    return Path(path).open(
        encoding="utf-8-sig" if encoding == "utf-8" else encoding, errors=errors, newline=""
    )


def lines_of(text: TextIO) -> Iterator[str]:
    """The lines with their ends (LF, CRLF or CR); of one that is too long the first `CUT` characters."""
    line = text.readline(CUT)
    while line:
        yield line
        following = text.readline(CUT)
        if len(line) == CUT:
            while following and not line.endswith(("\n", "\r")):
                line, following = following, text.readline(CUT)
            if line.endswith("\r") and following == "\n":  # a CRLF was cut in two
                following = text.readline(CUT)
        line = following
