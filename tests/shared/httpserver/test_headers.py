"""What a client may not say, what an upstream may not tell, and where a message ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream.body import capped_receive
from gateway.upstream.errors import BodyTooLarge, RequestInvalid
from gateway.upstream.request_head import announced_length, request_head
from shared.httpserver.headers import find, framing_error, strip_inbound, strip_outbound

FORGED = b"""
x-tenant-id x_tenant_id x-internal-token x_internal_token x-internal_token x-actor-id
x-forwarded-for x_forwarded_for x-forwarded-host forwarded x-real-ip x_real_ip backoffice-tenant
backoffice_tenant authorization x-request-id connection te upgrade keep-alive transfer-encoding
transfer_encoding content_length proxy proxy-authorization X-Tenant-Id traceparent tracestate
x-original-url
""".split()


@pytest.mark.parametrize("name", FORGED)
def test_a_client_cannot_assert_what_only_we_may(name: bytes) -> None:
    assert strip_inbound([(b"accept", b"*/*"), (name, b"forged")]) == [(b"accept", b"*/*")]


def test_ordinary_headers_pass_in_order() -> None:
    headers = [(b"accept", b"a"), (b"content-length", b"3"), (b"idempotency-key", b"k"), (b"accept", b"b")]
    assert strip_inbound(headers) == headers


def test_trace_context_is_kept_when_asked_for() -> None:
    headers = [(b"traceparent", b"00-1"), (b"tracestate", b"a=b"), (b"trace_parent", b"x")]
    assert strip_inbound(headers, keep_trace=True) == headers
    assert strip_inbound([(b"traceparent", b"1"), (b"traceparent", b"2")], keep_trace=True)


def test_connection_names_headers_away_but_never_the_framing() -> None:
    headers = [
        (b"connection", b"X-Gone, content-length , host"),
        (b"x-gone", b"1"),
        (b"content-length", b"3"),
    ]
    assert strip_inbound(headers) == [(b"content-length", b"3")]
    assert strip_outbound([*headers, (b"host", b"h")]) == [(b"content-length", b"3"), (b"host", b"h")]


def test_responses_lose_internal_and_hop_by_hop_fields() -> None:
    headers = [(b"x-internal-cost", b"1"), (b"keep-alive", b"timeout=5"), (b"etag", b"e"), (b"trailer", b"x")]
    assert strip_outbound(headers) == [(b"etag", b"e")]


def test_find_returns_the_first() -> None:
    assert find([(b"a", b"1"), (b"b", b"2"), (b"b", b"3")], b"b") == b"2"
    assert find([], b"b") is None


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ([], None),
        ([(b"content-length", b"0")], None),
        ([(b"content-length", b"5"), (b"content-length", b"5")], None),
        ([(b"transfer-encoding", b" Chunked")], None),
        ([(b"content-length", b"5"), (b"content-length", b"6")], "several"),
        ([(b"content-length", b"5"), (b"transfer-encoding", b"chunked")], "both"),
        ([(b"content-length", b"+5")], "number"),
        ([(b"content-length", b"5, 5")], "number"),
        ([(b"content-length", b"0x5")], "number"),
        ([(b"content-length", b"")], "number"),
        ([(b"content-length", b"-1")], "number"),
        ([(b"content-length", "٣".encode())], "number"),
        ([(b"content-length", b"9" * 19)], "number"),
        ([(b"transfer-encoding", b"gzip, chunked")], "unknown"),
        ([(b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")], "unknown"),
        ([(b"transfer-encoding", b"\x0bchunked")], "unknown"),
        ([(b"transfer-encoding", b"identity")], "unknown"),
    ],
)
def test_framing(headers: list[tuple[bytes, bytes]], reason: str | None) -> None:
    found = framing_error(headers)
    assert found is None if reason is None else reason in (found or "")
    if reason is not None:
        with pytest.raises(RequestInvalid):
            announced_length(headers)


def _head(**changes: object) -> bytes:
    scope = {"method": "GET", "path": "/", "raw_path": b"/a", "query_string": b"", "headers": []} | changes
    return request_head(scope, b" HTTP/1.1\r\nhost: h\r\n", None, chunked=False)


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "GET / HTTP/1.1\r\nx: y\r\n\r\nGET"},
        {"method": "CONNECT"},
        {"method": "TRACE"},
        {"method": "GÉT"},
        {"raw_path": b"/a b"},
        {"raw_path": b"/a\r\nx: y"},
        {"raw_path": b"/\x80"},
        {"raw_path": b"/#f"},
        {"raw_path": b"http://other/"},
        {"query_string": b"a b"},
        {"headers": [(b"x", b"a\r\ny: b")]},
        {"headers": [(b"x", b"a\nb")]},
        {"headers": [(b"x", b"a\rb")]},
        {"headers": [(b"x", b"a\x00b")]},
        {"headers": [(b"x: y", b"a")]},
        {"headers": [(b"x\r\ny", b"a")]},
        {"headers": [(b"x y", b"a")]},
        {"headers": [(b"", b"a")]},
    ],
)
def test_bytes_that_could_split_a_request_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(RequestInvalid):
        _head(**changes)


def test_the_head_carries_our_host_and_no_hop_by_hop_fields() -> None:
    headers = [
        (b"host", b"evil"),
        (b"connection", b"x-a"),
        (b"x-a", b"1"),
        (b"expect", b"100-continue"),
        (b"b", b"\xe9\t2"),
    ]
    assert (
        _head(headers=headers, query_string=b"q=%20")
        == b"GET /a?q=%20 HTTP/1.1\r\nhost: h\r\nb: \xe9\t2\r\n\r\n"
    )


def test_the_path_is_quoted_when_the_server_gave_no_raw_one() -> None:
    assert _head(raw_path=None, path="/ä b").startswith(b"GET /%C3%A4%20b HTTP/1.1\r\n")


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=8), st.binary(max_size=12)), max_size=4))
def test_no_header_can_ever_add_a_line(headers: list[tuple[bytes, bytes]]) -> None:
    try:
        head = _head(headers=headers)
    except RequestInvalid:
        return
    lines = head.split(b"\r\n")
    assert lines[-2:] == [b"", b""]
    assert len(lines) - 4 <= len(headers)
    assert b"\n" not in b"".join(lines)
    assert b"\r" not in b"".join(lines)


async def _feed(*pieces: bytes) -> list[bytes]:
    queue = list(pieces)

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": queue.pop(0), "more_body": bool(queue)}

    capped = capped_receive(receive, 10)
    return [(await capped())["body"] for _ in pieces]


async def test_the_cap_counts_what_streams() -> None:
    assert await _feed(b"12345", b"67890") == [b"12345", b"67890"]
    with pytest.raises(BodyTooLarge) as caught:
        await _feed(b"12345", b"67890", b"1")
    assert caught.value.limit == 10


async def test_the_cap_refuses_an_announced_length_before_reading() -> None:
    async def receive() -> dict[str, object]:
        raise AssertionError("nothing may be read")

    capped_receive(receive, 10, [(b"content-length", b"10")])
    for length in (b"11", b"9" * 5000):
        with pytest.raises(BodyTooLarge):
            capped_receive(receive, 10, [(b"content-length", length)])
    with pytest.raises(RequestInvalid):
        capped_receive(receive, 10, [(b"content-length", b"ten")])
