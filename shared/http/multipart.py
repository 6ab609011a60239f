"""Forms (multipart/form-data, RFC 7578) read part by part while they come in: no part is held but the one at hand.

python-multipart splits; this turns its callbacks into something that is asked for the next part, so that whoever
takes a file in sets the pace at which its sender is read.
"""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from shared.values.faults import Malformed, WrongMediaType

DISPOSITION, TYPE = b"content-disposition", b"content-type"
LONGEST_TYPE = 1024
MOST_HEADERS, LONGEST_HEADER = 8, 4096  # of one part


@dataclass(frozen=True, slots=True)
class Part:
    """The head of one part; a part with a file name is a file."""

    name: str
    file_name: str | None
    media_type: str


def boundary_of(content_type: str) -> bytes:
    """The boundary that a form's Content-Type names (70 characters at most, RFC 2046)."""
    if len(content_type) > LONGEST_TYPE:
        raise Malformed(f"The Content-Type has more than {LONGEST_TYPE} characters.", limit=LONGEST_TYPE)
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        raise WrongMediaType("Send the body as multipart/form-data.")
    if not options.get(b"boundary"):
        raise Malformed("The form's Content-Type has no boundary.")
    return options[b"boundary"]


class _End:
    """The mark between two parts."""


class MultipartReader:
    """Reads one form; each part's chunks are taken before the next part is asked for."""

    def __init__(self, pieces: AsyncIterator[bytes], boundary: bytes) -> None:
        """`pieces` is the body, in pieces small enough to be split one after the other on the event loop."""
        self._pieces = pieces
        self._found: deque[Part | bytes | type[_End]] = deque()
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""
        self._ended = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._headers.clear,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._part_begins,
                    "on_part_data": lambda data, start, end: self._found.append(data[start:end]),
                    "on_part_end": lambda: self._found.append(_End),
                    "on_end": self._form_ends,
                },
                max_header_count=MOST_HEADERS,
                max_header_size=LONGEST_HEADER,
            )
        except FormParserError as error:
            raise Malformed(f"The form cannot be read: {error}.") from error

    async def next_part(self) -> Part | None:
        """The next part's head, or None at the end of the form."""
        found = await self._next()
        while found is not None and not isinstance(found, Part):
            found = await self._next()
        if found is None and not self._ended:
            raise Malformed("The form ends before its last boundary.")
        return found

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content of the part at hand."""
        while isinstance(found := await self._next(), bytes):
            yield found
        if found is not _End:
            raise Malformed("The form ends before its last boundary.")

    async def _next(self) -> Part | bytes | type[_End] | None:
        while not self._found:
            piece = await anext(self._pieces, None)
            if piece is None:
                return None
            try:
                self._parser.write(piece)
            except FormParserError as error:
                raise Malformed(f"The form cannot be read: {error}.") from error
        return self._found.popleft()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _part_begins(self) -> None:
        _, options = parse_options_header(self._headers.get(DISPOSITION, b""))
        if b"name" not in options:
            raise Malformed("A part of the form has no name.")
        file_name = options.get(b"filename")
        self._found.append(
            Part(
                options[b"name"].decode(errors="replace"),
                file_name if file_name is None else file_name.decode(errors="replace"),
                self._headers.get(TYPE, b"").decode("latin-1"),
            )
        )

    def _form_ends(self) -> None:
        self._ended = True
