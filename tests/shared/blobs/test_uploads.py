"""Files through HTTP: streamed in, kept by a committed transaction or given up, streamed out, a tenant's own."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from shared.blobs.refs import BlobKey
from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite
from tests.shared.blobs.files import folder, later, states, stored

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 100
MIB = 1024 * 1024


def form(content: bytes, *, name: str = "a.csv", note: str = "") -> dict[str, Any]:
    return {"files": {"file": (name, content, "text/csv")}, "data": {"note": note} if note else {}}


async def test_a_file_comes_back_as_it_was_sent(probe: httpx.AsyncClient, owner: TenantFacts):
    content = bytes(range(256)) * 40_000

    made = (await probe.post("/v1/files", **form(content))).json()
    back = await probe.get(f"/v1/files/{made['id']}/content")

    assert back.content == content
    assert made["sha256"] == hashlib.sha256(content).hexdigest()
    assert (made["size"], made["media_type"], made["claimed_type"]) == (
        len(content), "application/octet-stream", "text/csv",
    )  # fmt: skip
    assert back.headers["content-length"] == str(len(content))
    assert stored(owner) == [folder() / BlobKey(owner.id, "probe", UUID(made["id"])).path]


async def test_the_bytes_and_not_the_sender_say_what_a_file_is(probe: httpx.AsyncClient):
    files = {"file": ("picture.png", b"<html><script>alert(1)</script>", "text/html")}

    made = (await probe.post("/v1/files", files=files)).json()
    back = await probe.get(f"/v1/files/{made['id']}/content")

    assert (made["media_type"], made["claimed_type"]) == ("text/plain", "text/html")
    assert back.headers["content-type"] == "text/plain; charset=utf-8"
    assert back.headers["x-content-type-options"] == "nosniff"
    assert back.headers["content-disposition"] == 'attachment; filename="picture.png"'


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "..\\..\\boot.ini",
        "a\x00b",
        "con:",
        "x" * 5000,
        "\u202egnp.exe",
        "",
        ".",
    ],
)
async def test_a_hostile_name_is_a_text_and_never_a_path(
    probe: httpx.AsyncClient, owner: TenantFacts, name: str
):
    boundary = b"b0undary"
    quoted = name.encode().replace(b"\\", b"\\\\")
    body = (
        b'--b0undary\r\nContent-Disposition: form-data; name="file"; filename="'
        + quoted
        + b'"\r\n\r\nhello\r\n'
        b"--b0undary--\r\n"
    )

    made = await probe.post(
        "/v1/files",
        content=body,
        headers={"content-type": f"multipart/form-data; boundary={boundary.decode()}"},
    )

    if made.status_code == 400:  # the form's head cannot be read
        assert stored(owner) == []
        return
    assert stored(owner) == [folder() / BlobKey(owner.id, "probe", UUID(made.json()["id"])).path]
    disposition = (await probe.get(f"/v1/files/{made.json()['id']}/content")).headers["content-disposition"]
    shown = disposition.removeprefix("attachment; filename=")
    assert not set(shown) & set("/\\\x00:")
    assert len(made.json()["file_name"]) <= 255


async def test_a_name_in_any_script_survives_the_download(probe: httpx.AsyncClient):
    made = (await probe.post("/v1/files", **form(b"x", name="Grüße, 注文.csv"))).json()

    back = await probe.get(f"/v1/files/{made['id']}/content")

    assert made["file_name"] == "Grüße, 注文.csv"
    assert back.headers["content-disposition"] == (
        "attachment; filename=\"Gr__e, __.csv\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%2C%20%E6%B3%A8%E6%96%87.csv"
    )


async def test_another_tenants_file_is_not_there(kernel: Suite, probe: httpx.AsyncClient, owner: TenantFacts):
    made = (await probe.post("/v1/files", **form(b"mine"))).json()
    stranger = kernel.client("probe", await kernel.new_tenant())

    for method, path in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
        answer = await stranger.request(method, f"/v1/files/{made['id']}{path}")
        assert answer.status_code == 404
    assert (await probe.get(f"/v1/files/{made['id']}/content")).content == b"mine"
    assert len(stored(owner)) == 1


@pytest.mark.parametrize(("note", "status"), [("refuse", 409), ("explode", 500), ("forget", 201)])
async def test_a_file_that_no_commit_keeps_is_given_up_and_erased(
    kernel: Suite, probe: httpx.AsyncClient, owner: TenantFacts, note: str, status: int
):
    answer = await probe.post("/v1/files", **form(b"x" * MIB, note=note))

    assert answer.status_code == status
    assert (await states(kernel, owner), len(stored(owner))) == (["abandoned"], 1)
    await later(kernel, owner, hours=1)
    assert (await states(kernel, owner), stored(owner)) == ([], [])


async def test_a_deleted_file_stays_in_the_store_for_as_long_as_backups_take(
    kernel: Suite, probe: httpx.AsyncClient, owner: TenantFacts
):
    made = (await probe.post("/v1/files", **form(b"gone"))).json()

    assert (await probe.delete(f"/v1/files/{made['id']}")).status_code == 204

    assert (await probe.get(f"/v1/files/{made['id']}/content")).status_code == 404
    await later(kernel, owner, hours=71)
    assert len(stored(owner)) == 1
    await later(kernel, owner, hours=2)
    assert (await states(kernel, owner), stored(owner)) == ([], [])


async def test_a_deletion_that_is_rolled_back_loses_nothing(
    kernel: Suite, probe: httpx.AsyncClient, owner: TenantFacts
):
    made = (await probe.post("/v1/files", **form(b"still here"))).json()

    answer = await probe.post(f"/v1/files/{made['id']}/delete-and-fail")

    await later(kernel, owner, hours=1000)
    assert answer.status_code == 409
    assert (await probe.get(f"/v1/files/{made['id']}/content")).content == b"still here"


async def test_a_key_covers_the_body_and_a_replay_leaves_one_file(
    kernel: Suite, probe: httpx.AsyncClient, owner: TenantFacts
):
    request = probe.build_request("POST", "/v1/files", **form(b"once"), headers={"idempotency-key": "k"})
    content, headers = await request.aread(), dict(request.headers)

    first = await probe.post("/v1/files", content=content, headers=headers)
    second = await probe.post("/v1/files", content=content, headers=headers)
    third = await probe.post("/v1/files", content=content.replace(b"once", b"more"), headers=headers)

    assert (first.status_code, second.json()["id"]) == (201, first.json()["id"])
    assert (third.status_code, third.json()["code"]) == (422, "idempotency_mismatch")
    await later(kernel, owner, hours=1)
    assert (await states(kernel, owner), len(stored(owner))) == (["kept"], 1)


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
MULTIPART = {"content-type": "multipart/form-data; boundary=b"}


@pytest.mark.parametrize(
    "body",
    [
        b"", HEAD + b"half a file", HEAD + b"file\r\n--b\r\n",
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
        HEAD + b"one\r\n" + HEAD + b"two\r\n--b--\r\n", b"not a form at all", b"--b\r\n" + b"x" * 10_000,
        (b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nx\r\n' * 30) + b"--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\n\xff\r\n--b--\r\n',
    ],
    ids=["empty", "cut in the file", "cut after it", "no name", "two files", "no form", "long head", "many", "no text"],
)  # fmt: skip
async def test_a_form_that_is_cut_or_wrong_is_refused_and_leaves_nothing(
    kernel: Suite, probe: httpx.AsyncClient, owner: TenantFacts, body: bytes
):
    answer = await probe.post("/v1/files", content=body, headers=MULTIPART)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    await later(kernel, owner, hours=1)
    assert (await states(kernel, owner), stored(owner)) == ([], [])


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 415),
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=" + "x" * 300, 400),
    ],
)
async def test_a_body_that_is_no_form_is_refused(probe: httpx.AsyncClient, kind: str, status: int):
    answer = await probe.post("/v1/files", content=b"{}", headers={"content-type": kind})

    assert answer.status_code == status


async def test_a_form_without_its_file_names_the_field(probe: httpx.AsyncClient):
    answer = await probe.post("/v1/files", files={"other": ("a", b"x")})

    assert answer.status_code == 422
    assert {e["pointer"] for e in answer.json()["errors"]} == {"/file"}


async def test_a_body_above_the_limit_is_refused_before_the_rest_is_read(
    kernel: Suite, probe: httpx.AsyncClient, owner: TenantFacts
):
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        yield HEAD
        while True:
            read += MIB
            yield b"x" * MIB

    answer = await probe.post("/v1/files", content=endless(), headers=MULTIPART)

    assert (answer.status_code, answer.json()["limit"]) == (413, 64 * MIB)
    assert read <= 65 * MIB
    await later(kernel, owner, hours=1)
    assert (await states(kernel, owner), stored(owner)) == ([], [])


async def test_a_length_above_the_limit_is_refused_without_reading(probe: httpx.AsyncClient):
    answer = await probe.put("/v1/files/raw", content=PNG * 100, headers={"content-type": "image/png"})

    assert (answer.status_code, answer.json()["limit"]) == (413, 1000)


async def test_a_body_that_is_the_file_is_kept_with_its_type(probe: httpx.AsyncClient):
    made = await probe.put("/v1/files/raw", content=PNG, headers={"content-type": "image/png; x=y"})
    other = await probe.put("/v1/files/raw", content=PNG, headers={"content-type": "image/svg+xml"})

    assert (made.json()["media_type"], made.json()["size"]) == ("image/png", len(PNG))
    assert other.status_code == 415


async def test_a_sender_who_goes_away_leaves_nothing(
    kernel: Suite, probe: httpx.AsyncClient, owner: TenantFacts
):
    sent = asyncio.Event()

    async def half() -> AsyncIterator[bytes]:
        yield HEAD + b"x" * MIB
        sent.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(probe.post("/v1/files", content=half(), headers=MULTIPART))
    await sent.wait()
    upload.cancel()
    await asyncio.gather(upload, return_exceptions=True)

    assert await states(kernel, owner) == ["abandoned"]
    await later(kernel, owner, hours=1)
    assert (await states(kernel, owner), stored(owner)) == ([], [])


async def test_an_upload_in_progress_delays_nobody(
    kernel: Suite, probe: httpx.AsyncClient, owner: TenantFacts
):
    """Order, not time: the bystander is answered each time while the 60 MB are still on their way."""
    bystander = kernel.client("probe", await kernel.new_tenant())
    ended = False
    answered_before_the_end = 0

    async def file() -> AsyncIterator[bytes]:
        yield HEAD
        for _ in range(60):
            nonlocal answered_before_the_end
            yield b"x" * MIB
            answer = await bystander.get("/v1/notes")
            assert answer.status_code == 200
            answered_before_the_end += not ended
        yield b"\r\n--b--\r\n"

    uploads = [probe.post("/v1/files", content=file(), headers=MULTIPART)]
    # As many more as there are connections: an upload that held one would leave none for the bystander.
    release = asyncio.Event()

    async def stalled() -> AsyncIterator[bytes]:
        yield HEAD + b"x" * 100_000
        await release.wait()
        yield b"\r\n--b--\r\n"

    held = [
        asyncio.create_task(probe.post("/v1/files", content=stalled(), headers=MULTIPART))
        for _ in range(kernel["probe"].settings.app_pool_size + 2)
    ]
    (answer,) = await asyncio.gather(*uploads)
    ended = True
    assert not any(task.done() for task in held)
    release.set()

    assert (answer.status_code, answer.json()["size"]) == (201, 60 * MIB)
    assert answered_before_the_end == 60
    assert [r.status_code for r in await asyncio.gather(*held)] == [201] * len(held)


async def test_the_limit_is_told_to_the_gateway(kernel: Suite):
    told = (await kernel.anonymous("probe").get("/operations.json")).json()["paths"]
    document = (await kernel.anonymous("probe").get("/openapi.json")).json()["paths"]

    for paths in (told, document):
        assert paths["/v1/files"]["post"]["x-upload-limit"] == 64 * MIB
        assert "x-upload-limit" not in paths["/v1/notes"]["post"]
    assert set(document["/v1/files/raw"]["put"]["requestBody"]["content"]) == {"image/png", "image/jpeg"}


async def test_a_row_of_another_tenant_cannot_be_kept_or_read(kernel: Suite, owner: TenantFacts):
    stranger = await kernel.new_tenant()
    async with kernel["probe"].app_db.transaction(owner.id) as tx:
        await tx.sql.execute(
            "insert into blobs (tenant_id, id, state) values ($1, $2, 'pending')", owner.id, uuid4()
        )

    async with kernel["probe"].app_db.transaction(stranger.id) as tx:
        assert await tx.sql.fetch("select from blobs") == []
        assert await tx.sql.execute("update blobs set state = 'abandoned'") == "UPDATE 0"
