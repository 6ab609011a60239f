"""Reading requests against h11, an independent implementation, on generated and on mangled streams."""

import asyncio
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import h11
import httptools
from hypothesis import example, given, settings
from hypothesis import strategies as st
from uvicorn.server import ServerState

from shared.httpserver.admission import Admission
from shared.httpserver.connection import HttpConnection
from shared.httpserver.cycle import Cycle
from shared.httpserver.heads import target
from shared.httpserver.limits import MAX_LINE, ServerLimits
from shared.httpserver.write_batch import WriteBatch

Request = tuple[bytes, bytes, list[tuple[bytes, bytes]], bytes]


class _Transport(asyncio.Transport):
    """Takes what is written and never resists."""

    def __init__(self) -> None:
        super().__init__(extra={"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class _Task:
    """Stands for an app that answers only when everything has been read."""


class _Loop:
    def __init__(self) -> None:
        self.started = 0

    def time(self) -> float:
        return 0.0

    def call_soon(self, work: Any) -> None:
        work()

    def create_task(self, work: Any) -> _Task:
        work.close()
        self.started += 1
        return _Task()


def ours(pieces: list[bytes]) -> list[Request]:
    """The whole requests that an app would see."""
    seen: list[Cycle] = []
    config = SimpleNamespace(loaded_app=lambda *_: _nothing(), timeout_keep_alive=1)
    loop = _Loop()
    admission = Admission(ServerLimits())
    connection = HttpConnection(config, ServerState(), {}, loop, batch=WriteBatch(loop), admission=admission)
    connection.connection_made(_Transport())

    class Line(type(connection._line)):
        def append(self, cycle: Cycle) -> None:
            seen.append(cycle)
            super().append(cycle)

    connection._line = Line()
    for piece in pieces:
        connection.data_received(piece)
    found = [cycle for cycle in seen if not cycle.more and not cycle.gone]
    return [
        (c.scope["method"].encode(), c.scope["raw_path"] + (b"?" + q if (q := c.scope["query_string"]) else b""),
         c.scope["headers"], b"".join(c._chunks))
        for c in found
    ]  # fmt: skip


async def _nothing() -> None:
    return


# Empty lines before a request and double spaces in its first line: h11 refuses them, RFC 9112 (2.2, 3) allows
# leniency, and neither changes what the request is.
HARMLESS = ("no request line received", "illegal request line")


def oracle(stream: bytes) -> tuple[list[Request], str]:
    """The whole requests that h11 sees before it is in doubt, and why it is."""
    peer = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    found: list[Request] = []
    peer.receive_data(stream)
    while True:
        head, body = None, b""
        try:
            while True:
                event = peer.next_event()
                if isinstance(event, h11.Request):
                    head = event
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    break
                else:
                    return found, ""
        except h11.RemoteProtocolError as error:
            return found, str(error)
        headers = [(bytes(name), bytes(value)) for name, value in head.headers]
        found.append((bytes(head.method), bytes(head.target), headers, body))
        try:
            peer.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
            peer.send(h11.EndOfMessage())
            peer.start_next_cycle()
        except h11.LocalProtocolError as error:
            return found, str(error)


names = st.sampled_from([b"accept", b"X-Thing", b"Cookie", b"trailer", b"te"])
values = st.sampled_from([b"", b"a", b"keep-alive", b"a, b", b"\xe9t\xe9", b"tab\there"])
targets = st.sampled_from([b"/", b"/a/b?c=d", b"/%20?x", b"/a;b=c", b"//a", b"/?"])


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """One correct request."""
    method = draw(st.sampled_from([b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"PATCH"]))
    lines = [method + b" " + draw(targets) + b" HTTP/1.1", b"Host: x"]
    lines += [name + b": " + value for name, value in draw(st.lists(st.tuples(names, values), max_size=4))]
    body = draw(st.binary(max_size=40))
    kind = draw(st.sampled_from(["none", "length", "chunked"]))
    if kind == "none":
        body = b""
    elif kind == "length":
        lines.append(b"Content-Length: %d" % len(body))
    else:
        lines.append(b"Transfer-Encoding: chunked")
        cut = draw(st.integers(0, 40))
        parts = [part for part in (body[:cut], body[cut:]) if part]
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def split(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({cut % (len(stream) + 1) for cut in cuts} | {0, len(stream)})
    return [stream[a:b] for a, b in pairwise(edges)]


def plain(found: list[Request]) -> list[Request]:
    """Without what the two spell differently: spaces after values."""
    return [(m, t, [(n, v.rstrip(b" \t")) for n, v in headers], body) for m, t, headers, body in found]


def without_empty_queries(found: list[Request]) -> list[Request]:
    """`/?` is `/` with an empty query to us."""
    return [(m, t.removesuffix(b"?") if t.count(b"?") == 1 else t, h, b) for m, t, h, b in found]


@settings(max_examples=400, deadline=None)
@given(st.lists(requests(), min_size=1, max_size=4), st.lists(st.integers(0, 600), max_size=8))
def test_correct_requests_read_as_h11_reads_them(many: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(many)
    expected, _ = oracle(stream)
    assert len(expected) == len(many) <= MAX_LINE
    assert plain(ours(split(stream, cuts))) == without_empty_queries(expected)


MANGLES = [
    b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"\x00", b";", b",", b"0", b"1", b"chunked", b"-", b"+", b"\x0b",
    b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"transfer-encoding: gzip\r\n", b"\xff",
    b"content-length: 0\r\n", b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", b"HTTP/1.0", b"host: y\r\n", b"#",
    b"Connection: close\r\n", b"Connection: upgrade\r\nupgrade: x\r\n",
]  # fmt: skip
edits = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 3), st.sampled_from(MANGLES) | st.binary(max_size=3)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=1500, deadline=None)
@given(st.lists(requests(), min_size=1, max_size=3), edits, st.lists(st.integers(0, 600), max_size=5))
@example([b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"], [(0, 0, b"\r\n")], [])
def test_what_we_take_for_a_request_h11_takes_for_the_same(
    many: list[bytes], edit: list[tuple[int, int, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(many)
    for at, removed, added in edit:
        at %= len(stream) + 1
        stream = stream[:at] + added + stream[at + removed :]
    found = plain(ours(split(stream, cuts)))
    expected, refusal = oracle(stream)
    for index, request in enumerate(found):
        if index >= len(expected):
            assert refusal.startswith(HARMLESS), f"we took for a request what h11 refuses: {refusal}"
            break
        method, _, headers, body = request
        assert (method, headers, body) == (expected[index][0], expected[index][2], expected[index][3])


@settings(max_examples=500, deadline=None)
@given(st.lists(st.binary(max_size=30), max_size=6))
def test_noise_never_raises_and_is_no_request(pieces: list[bytes]) -> None:
    assert ours(pieces) == []


@settings(max_examples=1000, deadline=None)
@given(st.text(alphabet="/?#%&=:;a1.~@!*[]|\\ é\x01", max_size=20).map(lambda text: b"/" + text.encode()))
def test_targets_are_read_as_httptools_reads_them(url: bytes) -> None:
    try:
        parsed = httptools.parse_url(url)
    except httptools.HttpParserError:
        return  # never gets here: the parser of the request has refused it
    try:
        expected = (parsed.path or b"/").decode("ascii")
    except UnicodeDecodeError:
        return
    path, raw, query = target(url)
    assert (raw, query) == (parsed.path or b"/", parsed.query or b"")
    assert raw.decode("ascii") == expected
    assert path
