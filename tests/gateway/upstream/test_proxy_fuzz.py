"""The response reader against h11, an independent implementation, on generated and on mangled streams."""

import asyncio
from itertools import pairwise

import h11
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.upstream.connection import Connection

Outcome = tuple[int, list[tuple[bytes, bytes]], bytes] | None


class _Transport(asyncio.Transport):
    """Counts what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted = False

    def abort(self) -> None:
        self.aborted = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


_LOOP = asyncio.new_event_loop()
_LOOP.close()


def ours(pieces: list[bytes], method: str, eof: bool) -> tuple[Outcome, bool]:
    """Read a stream as the gateway does; also say whether the connection would be used again."""
    connection = Connection(_LOOP, 64 * 1024, lambda _: None)
    connection.connection_made(_Transport())
    connection.begin(method)
    connection.request_done = True
    for piece in pieces:
        if not connection.closed:
            connection.data_received(piece)
    reusable = connection.reusable
    if eof and not connection.closed:
        connection.eof_received()
        connection.connection_lost(None)
    if not connection.complete or connection.fault is not None:
        return None, False
    return (connection.status, connection.headers, b"".join(connection.chunks)), reusable


# Control bytes in a reason phrase and codings in a trailer (neither is ever forwarded), and an empty line
# after an interim response: h11 refuses them, and nothing can be smuggled by them.
HARMLESS = ("illegal status line", "no response line received", "Only Transfer-Encoding: chunked")


def oracle(stream: bytes, method: str, eof: bool) -> tuple[Outcome, bytes]:
    """Read a stream with h11; also return what it left over."""
    peer = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    peer.send(h11.Request(method=method, target="/", headers=[("host", "x")]))
    peer.send(h11.EndOfMessage())
    head: h11.Response | None = None
    body = b""
    try:
        peer.receive_data(stream)
        if eof:
            peer.receive_data(b"")
        while True:
            event = peer.next_event()
            if isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                left = peer.trailing_data[0]
                return (head.status_code, [(bytes(n), bytes(v)) for n, v in head.headers], body), left
            else:
                done = event in (h11.NEED_DATA, h11.PAUSED) or isinstance(event, h11.ConnectionClosed)
                assert not done, "we took for whole what h11 is still waiting for"
    except h11.RemoteProtocolError as error:
        if not str(error).startswith(HARMLESS):
            raise AssertionError("we accepted what h11 refuses") from error
        return None, b""


names = st.sampled_from([b"etag", b"X-Thing", b"connection", b"Server", b"trailer", b"vary"])
values = st.sampled_from([b"", b"a", b"close", b"keep-alive", b"a, b", b"\xe9t\xe9", b"tab\there"])
bodies = st.binary(max_size=40)
statuses = st.sampled_from([200, 201, 204, 205, 304, 404, 429, 500, 599])


@st.composite
def responses(draw: st.DrawFn) -> tuple[bytes, bool]:
    """Make a correct response and say whether the connection's end is its end."""
    status = draw(statuses)
    lines = [b"HTTP/1.1 %d Reason" % status]
    lines += [name + b": " + value for name, value in draw(st.lists(st.tuples(names, values), max_size=4))]
    interim = draw(
        st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 E\r\nl: a\r\n\r\n"])
    )
    body, kind = draw(bodies), draw(st.sampled_from(["length", "chunked", "close"]))
    if status in (204, 304):
        return interim + b"\r\n".join(lines) + b"\r\n\r\n", False
    if kind == "length":
        lines.append(b"Content-Length: %d" % len(body))
    elif kind == "chunked":
        lines.append(b"Transfer-Encoding: chunked")
        cuts = draw(st.lists(st.integers(1, 9), max_size=6))
        body = _chunked(body, cuts) + draw(st.sampled_from([b"\r\n", b"t: 1\r\n\r\n"]))
    return interim + b"\r\n".join(lines) + b"\r\n\r\n" + body, kind == "close"


def _chunked(body: bytes, cuts: list[int]) -> bytes:
    out = b""
    for cut in cuts:
        piece, body = body[:cut], body[cut:]
        out += b"%X\r\n%b\r\n" % (len(piece), piece) if piece else b""
    return out + (b"%x;e=1\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n"


def _split(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({cut % (len(stream) + 1) for cut in cuts} | {0, len(stream)})
    return [stream[a:b] for a, b in pairwise(edges)]


@settings(max_examples=400, deadline=None)
@given(responses(), st.lists(st.integers(0, 400), max_size=8), st.sampled_from(["GET", "POST"]))
def test_correct_responses_read_as_h11_reads_them(
    response: tuple[bytes, bool], cuts: list[int], method: str
) -> None:
    stream, eof = response
    result, _ = ours(_split(stream, cuts), method, eof)
    expected, _ = oracle(stream, method, eof)
    assert expected is not None
    assert result == expected


MANGLES = [
    b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"\x00", b";", b",", b"0", b"1", b"chunked", b"-", b"+",
    b"\x0b", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"transfer-encoding: gzip\r\n",
    b"\xff", b"content-length: 0\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0",
    b"Connection: upgrade\r\nupgrade: x\r\n",
]  # fmt: skip
edits = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 3), st.sampled_from(MANGLES) | st.binary(max_size=3)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=1500, deadline=None)
@given(responses(), edits, st.lists(st.integers(0, 400), max_size=5), st.sampled_from(["GET", "HEAD"]))
@example((b"HTTP/1.1 200 OK\r\n\r\n", True), [(0, 0, b"")], [], "GET")
def test_what_we_accept_h11_accepts_with_the_same_meaning(
    response: tuple[bytes, bool], edit: list[tuple[int, int, bytes]], cuts: list[int], method: str
) -> None:
    stream, eof = response
    for at, removed, added in edit:
        at %= len(stream) + 1
        stream = stream[:at] + added + stream[at + removed :]
    result, reusable = ours(_split(stream, cuts), method, eof)
    if result is None:
        return
    expected, left = oracle(stream, method, eof)
    if expected is None:
        return
    assert (result[0], result[2]) == (expected[0], expected[2])
    assert [(name, value.rstrip(b" \t")) for name, value in result[1]] == expected[1]
    if reusable:
        assert left.strip(b"\r\n") == b"", "a connection with bytes left over must not be used again"


@settings(max_examples=500, deadline=None)
@given(st.lists(st.binary(max_size=30), max_size=6), st.sampled_from(["GET", "HEAD"]), st.booleans())
def test_noise_never_raises_and_never_reads_as_whole(pieces: list[bytes], method: str, eof: bool) -> None:
    assert ours(pieces, method, eof) == (None, False)
