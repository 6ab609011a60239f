"""Forms under an Idempotency-Key: the same is what holds the same, since each try has a boundary of its own."""

from hashlib import sha256
from typing import Any

import asyncpg
import httpx
import pytest

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite
from tests.shared.blobs.files import later, stored


def body_of(boundary: str, *parts: tuple[str, str, bytes]) -> dict[str, Any]:
    """A form as another library writes it: each part's name, what follows it in its head, and its content."""
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode()
        + content
        + b"\r\n"
        for name, more, content in parts
    ]
    return {
        "content": b"".join(lines) + f"--{boundary}--\r\n".encode(),
        "headers": {"content-type": f"multipart/form-data; boundary={boundary}", "idempotency-key": "k"},
    }


A_FILE, A_NOTE = ("file", '; filename="a.csv"', b"1,2"), ("note", "", b"x")
OTHERWISE = {
    "another boundary": ("b2", A_FILE, A_NOTE),
    "the parts in another order": ("b1", A_NOTE, A_FILE),
    "another name of the file, and a type": (
        "b1",
        ("file", '; filename="b"\r\nContent-Type: text/csv', b"1,2"),
        A_NOTE,
    ),
}
OTHERS = {
    "another file": ("b1", ("file", '; filename="a.csv"', b"1,3"), A_NOTE),
    "another field": ("b1", A_FILE, ("note", "", b"y")),
    "a field less": ("b1", A_FILE),
    "the two exchanged": ("b1", ("file", '; filename="a.csv"', b"x"), ("note", "", b"1,2")),
}


@pytest.mark.parametrize("how", OTHERWISE)
async def test_a_form_is_the_same_by_what_it_holds_however_it_is_written(
    kernel: Suite, probe: httpx.AsyncClient, owner: TenantFacts, how: str
):
    first = await probe.post("/v1/files", **body_of("b1", A_FILE, A_NOTE))
    boundary, *parts = OTHERWISE[how]

    second = await probe.post("/v1/files", **body_of(boundary, *parts))

    assert (first.status_code, second.json()) == (201, first.json())
    assert second.headers["idempotency-replayed"] == "true"
    await later(kernel, owner, hours=1)
    assert len(stored(owner)) == 1


@pytest.mark.parametrize("what", OTHERS)
async def test_a_form_that_holds_something_else_is_another_request(probe: httpx.AsyncClient, what: str):
    await probe.post("/v1/files", **body_of("b1", A_FILE, A_NOTE))
    boundary, *parts = OTHERS[what]

    second = await probe.post("/v1/files", **body_of(boundary, *parts))

    assert (second.status_code, second.json()["code"]) == (422, "idempotency_mismatch")


async def test_a_form_whose_answer_a_release_before_has_kept_is_answered_again(
    kernel: Suite, probe: httpx.AsyncClient, owner: TenantFacts
):
    """It kept the hash of the body as it came."""
    request = body_of("b1", A_FILE, A_NOTE)
    first = await probe.post("/v1/files", **request)
    sql = await asyncpg.connect(kernel.url)
    await sql.execute(
        "update probe.idempotency_keys set request_hash = $2 where tenant_id = $1",
        owner.id,
        sha256(b"POST /v1/files?\n" + request["content"]).digest(),
    )
    await sql.close()

    second = await probe.post("/v1/files", **request)
    other = await probe.post("/v1/files", **body_of("b1", A_FILE))

    assert (second.json(), other.status_code) == (first.json(), 422)
