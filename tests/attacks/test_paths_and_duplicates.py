"""A path, and who calls for whom, can be read in one way only: what could be read in two is refused at once."""

from urllib.parse import unquote_to_bytes
from uuid import uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.context.ctx import TenantFacts
from shared.http.paths import doubt_about
from tests.attacks.bystander import Target
from tests.attacks.wire import said
from tests.kit.suite import Suite

DOUBTFUL = (
    "/v1/orders%2F{id}", "/v1/orders%2f{id}", "/v1%2Forders/{id}", "/v1/orders%5C{id}", "/v1/orders%5c{id}",
    "/v1/orders\\{id}", "/v1/orders%252F{id}", "/v1/orders%25252f{id}", "/v1/orders%255C{id}", "/v1/orders/{id}%00",
    "/v1/orders/{id}%2500", "/v1/orders/{id}%0d%0a", "/v1/orders/{id}%7f", "/v1/customers/../orders/{id}",
    "/v1/customers/%2e%2e/orders/{id}", "/v1/customers/.%2E/orders/{id}", "/v1/customers/%252e%252e/orders/{id}",
    "/v1/./orders/{id}", "/v1/%2e/orders/{id}", "/v1/orders/{id}/..", "/v1/orders/{id}/%2e", "/v1/orders/%c0%af{id}",
    "/v1/orders/%ff", "/v1/orders/{id}%", "/v1/orders/{id}%2", "/v1/orders/{id}%zz", "/livez%2f",
    "/docs/%2e%2e/metrics",
)  # fmt: skip
PLAIN = (
    "/v1/orders/{id}",
    "/v1/orders/%C3%A9",
    "/v1/orders/a%20b",
    "/v1/orders/.well",
    "/v1/orders/a..b",
    "/v1/orders/%25",
)
PIECES = st.sampled_from(
    ["%2f", "%2F", "%5c", "\\", "%00", "%1f", "%7F", "%2e", "%2E", ".", "..", "/", "%25", "25", "%", "%252f", "2f",
     "2e", "a", "%c0%af", "%c3%a9", "%E0%80%AE", "%ff", "5C"]
)  # fmt: skip


@pytest.mark.parametrize("path", DOUBTFUL)
def test_a_path_that_hides_something_is_in_doubt(path: str):
    assert doubt_about(path.format(id=uuid4()).encode()) is not None


@pytest.mark.parametrize("path", PLAIN)
def test_a_path_that_hides_nothing_is_not(path: str):
    assert doubt_about(path.format(id=uuid4()).encode()) is None


@given(st.lists(PIECES, max_size=12))
def test_however_often_a_path_is_decoded_it_names_the_same_resource(pieces: list[str]):
    path = ("/v1/" + "".join(pieces)).encode()
    if doubt_about(path) is not None:
        return

    decoded = path
    for _ in range(12):
        decoded = unquote_to_bytes(decoded)
        segments = decoded.split(b"/")
        assert len(segments) == path.count(b"/") + 1
        assert not {b".", b".."} & set(segments)
        assert b"\\" not in decoded
        assert all(byte > 31 and byte != 127 for byte in decoded)


async def test_the_gateway_refuses_every_such_path_before_it_looks_for_anything(target: Target):
    """Without credentials: a path that is looked up would be 401 or 404."""
    answers = {path: await said(target.port, "GET", path.format(id=uuid4())) for path in DOUBTFUL}

    assert {path: answer.status for path, answer in answers.items() if answer.status != 400} == {}
    assert all(answer.problem["detail"] for answer in answers.values())


async def test_a_service_by_itself_refuses_them_as_well(suite: Suite, tenant: TenantFacts):
    client = suite.client("orders", tenant)

    async def status(path: str) -> int:
        url = httpx.URL("http://orders")
        raw = path.format(id=uuid4()).encode("latin-1")
        return (await client.request("GET", url.copy_with(raw_path=raw))).status_code

    sendable = [
        path for path in DOUBTFUL if "/." not in path.replace("/.%2E", "")
    ]  # httpx resolves plain dot segments
    answers = {path: await status(path) for path in sendable}

    assert {path: found for path, found in answers.items() if found != 400} == {}
    assert await status("/v1/orders/{id}") == 404


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Authorization", (b"Bearer {token}", b"Bearer {token}")),
        ("Authorization", (b"Bearer {token}", b"Bearer of-somebody-else")),
        ("Backoffice-Tenant", (b"{tenant}", b"{tenant}")),
        ("Backoffice-Tenant", (b"{tenant}", b"00000000-0000-7000-8000-000000000000")),
        ("Idempotency-Key", (b"one", b"two")),
        ("If-Match", (b"1", b"2")),
        ("Content-Type", (b"application/json", b"text/plain")),
    ],
)
async def test_a_header_that_decides_is_given_once(target: Target, name: str, values: tuple[bytes, ...]):
    company = await target.company()
    token, tenant = company.bearer.encode(), company.id.encode()
    credentials = [] if name == "Authorization" else [b"authorization: Bearer " + token]
    twice = [
        b"%b: %b" % (name.lower().encode(), value.replace(b"{token}", token).replace(b"{tenant}", tenant))
        for value in values
    ]

    refused = await said(target.port, "GET", "/v1/orders", *credentials, *twice)
    taken = await said(target.port, "GET", "/v1/orders", *credentials, twice[0])

    assert (refused.status, refused.problem["code"], refused.problem["header"]) == (400, "malformed", name)
    assert taken.status == 200, taken.body


async def test_a_head_of_many_lines_or_of_one_endless_name_is_refused(target: Target):
    many = await said(target.port, "GET", "/livez", *(b"x-%d: 1" % n for n in range(200)))
    long = await said(target.port, "GET", "/livez", b"x" * 5000 + b": 1")
    usual = await said(target.port, "GET", "/livez", *(b"x-%d: 1" % n for n in range(60)))

    assert [many.status, long.status, usual.status] == [431, 431, 200]
