"""The HTTP edge: one request, one transaction, one honest answer."""

import asyncio
import gc
import json
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi.exceptions import RequestValidationError

from shared.context.ctx import Actor, TenantFacts
from shared.values.faults import Invalid, Refused
from tests.kit.suite import Suite
from tests.shared.given_notes import execute, given_note, given_published, rows

PROBLEM = "application/problem+json"
REFUSALS = (Invalid, Refused, RequestValidationError)  # of faults in the background there may be any


async def test_a_commit_that_fails_never_answers_success(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    title = f"linked {uuid4().hex}"

    answer = await probe.post("/v1/notes", json={"title": title, "link_to": str(uuid4())})

    assert (answer.status_code, answer.json()["code"]) == (409, "reference_violated")
    assert await rows(kernel.url, "probe", "notes", title=title) == []


async def test_a_swallowed_database_failure_never_answers_success(probe: httpx.AsyncClient):
    note = await given_note(probe)

    answer = await probe.post(f"/v1/notes/{note['id']}/swallow")

    assert answer.status_code == 500


async def test_a_bug_answers_500_without_details_and_is_logged_with_tenant_and_trace(
    owner: TenantFacts, probe: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    logged: list[dict[str, object]] = []
    monkeypatch.setattr("shared.http.edge.log", Log(logged))
    note = await given_note(probe)

    answer = await probe.post(f"/v1/notes/{note['id']}/explode")

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert set(answer.json()) == {"type", "title", "status", "detail", "code", "trace_id"}
    assert logged[0]["tenant_id"] == str(owner.id)
    assert logged[0]["trace_id"] == answer.json()["trace_id"]


async def test_twenty_requests_with_one_key_at_the_same_time_take_effect_once(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    key, body = {"idempotency-key": uuid4().hex}, {"title": f"once {uuid4().hex}"}

    answers = await asyncio.gather(*(probe.post("/v1/notes", json=body, headers=key) for _ in range(20)))

    made = [a for a in answers if a.status_code == 201]
    busy = [a for a in answers if a.status_code != 201]
    assert len(await rows(kernel.url, "probe", "notes", tenant_id=owner.id)) == 1
    assert len({a.text for a in made}) == 1
    assert sum("idempotency-replayed" not in a.headers for a in made) == 1
    assert {(a.status_code, a.json()["code"], a.headers["retry-after"]) for a in busy} <= {
        (409, "in_progress", "1")
    }


async def test_a_refusal_is_replayed_though_the_reason_is_gone(kernel: Suite, probe: httpx.AsyncClient):
    note = await given_note(probe)
    key = {"idempotency-key": uuid4().hex}
    first = await probe.post("/v1/notes", json={"title": note["title"]}, headers=key)
    await execute(kernel.url, "delete from probe.notes where id = $1", UUID(note["id"]))

    second = await probe.post("/v1/notes", json={"title": note["title"]}, headers=key)

    assert (first.status_code, second.status_code) == (409, 409)
    assert second.json() == first.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["content-type"] == PROBLEM


async def test_a_key_is_bound_to_its_body_and_path(probe: httpx.AsyncClient):
    key = {"idempotency-key": uuid4().hex}
    note = (await probe.post("/v1/notes", json={"title": f"a {uuid4().hex}"}, headers=key)).json()

    other_body = await probe.post("/v1/notes", json={"title": f"b {uuid4().hex}"}, headers=key)
    other_path = await probe.post(f"/v1/notes/{note['id']}/publish", headers=key)

    assert (other_body.status_code, other_body.json()["code"]) == (422, "idempotency_mismatch")
    assert (other_path.status_code, other_path.json()["code"]) == (422, "idempotency_mismatch")


async def test_keys_of_two_clients_and_two_tenants_are_independent(kernel: Suite, owner: TenantFacts):
    key = {"idempotency-key": "the-same"}
    callers = [
        kernel.client("probe", owner, actor=Actor("one")),
        kernel.client("probe", owner, actor=Actor("two")),
        kernel.client("probe", await kernel.new_tenant(), actor=Actor("one")),
    ]

    answers = [await c.post("/v1/notes", json={"title": f"t{n}"}, headers=key) for n, c in enumerate(callers)]

    assert [a.status_code for a in answers] == [201, 201, 201]


@pytest.mark.parametrize("verb", ["explode", "away"])
async def test_a_failure_of_ours_is_not_stored_under_the_key(
    kernel: Suite, probe: httpx.AsyncClient, verb: str
):
    note = await given_note(probe)
    key = {"idempotency-key": uuid4().hex}

    answers = [await probe.post(f"/v1/notes/{note['id']}/{verb}", headers=key) for _ in range(2)]

    assert [a.status_code >= 500 for a in answers] == [True, True]
    assert await rows(kernel.url, "probe", "idempotency_keys", key=key["idempotency-key"]) == []


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
async def test_a_key_that_cannot_be_kept_is_refused(probe: httpx.AsyncClient, key: str):
    answer = await probe.post("/v1/notes", json={"title": "x"}, headers={"idempotency-key": key})

    assert answer.status_code == 400


@pytest.mark.parametrize(
    "body",
    [b'{"title": NaN}', b'{"title": "\\ud800"}', b"[" * 5000, b'{"title": ' + b'{"a":' * 5000, b'{"title": "cut',
     b'\xef\xbb\xbf{"title": "bom"}', b"\xff\xfe", b'{"title": "x"} {"title": "y"}', b"{'title': 'x'}",
     b'{"title": 1e}'],
)  # fmt: skip
async def test_what_is_not_json_is_400_and_leaves_nothing(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient, body: bytes
):
    answer = await probe.post("/v1/notes", content=body, headers={"content-type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    assert answer.headers["content-type"] == PROBLEM
    assert await rows(kernel.url, "probe", "notes", tenant_id=owner.id) == []


@pytest.mark.parametrize(
    "value", [None, 5, "", "x" * 5000, "nul \x00 inside", [], {}, True, "   "], ids=lambda v: repr(v)[:20]
)
async def test_a_wrong_value_is_422_and_names_its_field(probe: httpx.AsyncClient, value: object):
    answer = await probe.post("/v1/notes", json={"title": value})

    assert answer.status_code == 422, answer.text
    assert [e["pointer"] for e in answer.json().get("errors", [])] in (["/title"], [])


@pytest.mark.parametrize("body", ["null", "[]", '"text"', "1", ""])
async def test_a_body_that_is_no_object_is_422(probe: httpx.AsyncClient, body: str):
    answer = await probe.post("/v1/notes", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 422


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/xml", "multipart/form-data", "application/jsonp", ""]
)
async def test_another_media_type_is_415(probe: httpx.AsyncClient, media_type: str):
    answer = await probe.post("/v1/notes", content=b'{"title": "x"}', headers={"content-type": media_type})

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(("path", "limit"), [("/v1/notes", 1 << 20), ("/v1/notes/many", 4 << 20)])
async def test_a_body_that_is_larger_than_its_operation_declares_is_refused_while_it_comes(
    probe: httpx.AsyncClient, path: str, limit: int
):
    sent = 0

    async def endless():
        nonlocal sent
        while sent < 2 * limit:
            sent += 1 << 18
            yield b" " * (1 << 18)

    answer = await probe.post(path, content=endless(), headers={"content-type": "application/json"})

    assert (answer.status_code, answer.json()["code"], answer.json()["limit"]) == (
        413,
        "body_too_large",
        limit,
    )
    assert sent <= limit + (1 << 18)


async def test_a_body_as_large_as_its_operation_declares_is_taken(probe: httpx.AsyncClient):
    body = b'{"titles": ["' + uuid4().hex.encode() + b'"]}'

    answer = await probe.post(
        "/v1/notes/many", content=body.ljust(4 << 20), headers={"content-type": "application/json"}
    )

    assert answer.status_code == 200, answer.text


async def test_a_caller_who_hangs_up_while_sending_leaves_nothing_and_no_connection_in_use(
    kernel: Suite, owner: TenantFacts
):
    app = kernel["probe"].app
    messages = iter(
        [{"type": "http.request", "body": b'{"title"', "more_body": True}, {"type": "http.disconnect"}]
    )

    async def receive():
        return next(messages)

    answered: list[dict[str, object]] = []

    async def send(message):
        answered.append(message)

    token = kernel.token("probe", owner).encode()
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/v1/notes", "raw_path": b"/v1/notes", "query_string": b"", "root_path": "",
        "headers": [(b"x-internal-token", token), (b"content-type", b"application/json")],
    }  # fmt: skip
    await app(scope, receive, send)

    assert answered[0]["status"] == 499
    assert await rows(kernel.url, "probe", "notes", tenant_id=owner.id) == []


async def test_requests_cancelled_at_any_moment_leave_no_transaction_open_and_no_connection_lost(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    notes = [await given_note(probe) for _ in range(2)]
    path = f"/v1/notes/{notes[0]['id']}/touch/{notes[1]['id']}"
    for moment in range(30):
        request = asyncio.create_task(probe.post(path))
        await asyncio.sleep(moment * 0.003)
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)

    answers = await asyncio.gather(*(probe.get(f"/v1/notes/{notes[0]['id']}") for _ in range(40)))

    assert {a.status_code for a in answers} == {200}
    assert answers[0].json()["version"] == 1
    assert kernel["probe"].app_db.in_use == 0


async def test_versions_guard_changes(probe: httpx.AsyncClient):
    note = await given_note(probe)
    path, body = f"/v1/notes/{note['id']}", {"title": f"new {uuid4().hex}"}

    read = await probe.get(path)
    statuses = {
        given: (await probe.patch(path, json=body, headers={"if-match": given} if given else {})).status_code
        for given in ("", "*", '"0"', '"x"', "9" * 30, "-1")
    }
    changed = await probe.patch(path, json=body, headers={"if-match": read.headers["etag"]})
    stale = await probe.patch(path, json=body, headers={"if-match": read.headers["etag"]})

    assert set(statuses.values()) == {428, 412}
    assert statuses[""] == 428
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert (stale.status_code, stale.json()["current_version"]) == (412, 2)


async def test_ten_changes_of_one_version_at_once_let_one_through(probe: httpx.AsyncClient):
    note = await given_note(probe)
    path = f"/v1/notes/{note['id']}"

    answers = await asyncio.gather(
        *(
            probe.patch(path, json={"title": f"{n} {uuid4().hex}"}, headers={"if-match": "1"})
            for n in range(10)
        )
    )

    assert sorted(a.status_code for a in answers) == [200] + [412] * 9


async def test_pages_walk_the_whole_list_once(probe: httpx.AsyncClient):
    made = [(await given_note(probe))["id"] for _ in range(7)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = (
            await probe.get("/v1/notes", params={"limit": 3} | ({"cursor": cursor} if cursor else {}))
        ).json()
        seen += [n["id"] for n in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert seen == made[::-1]


async def test_a_cursor_of_another_list_or_filter_is_refused(probe: httpx.AsyncClient):
    notes = [await given_note(probe) for _ in range(3)]
    cursor = (await probe.get("/v1/notes?limit=1")).json()["next"]

    answers = [
        await probe.get("/v1/notes", params={"cursor": cursor, "state": "draft"}),
        await probe.get(f"/v1/notes/{notes[0]['id']}/timeline", params={"cursor": cursor}),
        await probe.get("/v1/notes", params={"cursor": cursor[:-4]}),
        await probe.get("/v1/notes", params={"cursor": "ü"}),
        await probe.get("/v1/notes", params={"cursor": ""}),
        await probe.get("/v1/notes", params={"cursor": "x" * 500}),
    ]

    assert [a.status_code for a in answers] == [422] * 6


@pytest.mark.parametrize("limit", ["0", "-1", "201", "x", "1.5", "9" * 40, ""])
async def test_limits_are_bounded(probe: httpx.AsyncClient, limit: str):
    answer = await probe.get("/v1/notes", params={"limit": limit})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/query/limit"


async def test_a_deadlock_is_repeated_by_itself_for_json_and_for_uploads(probe: httpx.AsyncClient):
    one, two = (await given_note(probe))["id"], (await given_note(probe))["id"]
    file = {"file": ("a.txt", b"content", "text/plain")}

    first, second = await asyncio.gather(
        probe.post(f"/v1/notes/{one}/upload/{two}", files=file),
        probe.post(f"/v1/notes/{two}/upload/{one}", files=file),
    )

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json() == {"size": 7}


async def test_a_migration_under_prepared_statements_is_not_noticed(kernel: Suite, probe: httpx.AsyncClient):
    note = await given_published(probe)
    paths = [f"/v1/notes/{note['id']}", "/v1/notes"]
    await asyncio.gather(*(probe.get(p) for p in paths * 20))
    for change in ("add column extra text", "alter column extra type varchar(9)", "drop column extra"):
        await execute(kernel.url, f"alter table probe.notes {change}")
        answers = await asyncio.gather(*(probe.get(p) for p in paths * 10))
        changed = await probe.post(f"/v1/notes/{note['id']}/publish-again")

        assert {a.status_code for a in [*answers, changed]} == {200}


async def test_a_restart_of_postgres_is_not_noticed_by_the_next_requests(
    kernel: Suite, probe: httpx.AsyncClient
):
    note = await given_note(probe)
    await asyncio.gather(*(probe.get("/v1/notes") for _ in range(20)))
    await execute(
        kernel.url,
        "select pg_terminate_backend(pid) from pg_stat_activity where usename like 'backoffice_probe_app' "
        "and datname = current_database()",
    )

    answers = await asyncio.gather(*(probe.get(f"/v1/notes/{note['id']}") for _ in range(20)))

    assert {a.status_code for a in answers} == {200}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nowhere", 404),
        ("PUT", "/v1/notes", 405),
        ("GET", "/v1/notes/no-uuid", 404),
        ("GET", "/", 404),
    ],
)
async def test_what_does_not_exist_answers_a_problem(
    probe: httpx.AsyncClient, method: str, path: str, status: int
):
    answer = await probe.request(method, path)

    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert json.loads(answer.text)["trace_id"]
    assert ("allow" in answer.headers) == (status == 405)


class Log:
    """Keeps what is logged."""

    def __init__(self, logged: list[dict[str, object]]) -> None:
        self._logged = logged

    def exception(self, event: str, **facts: object) -> None:
        self._logged.append({"event": event} | facts)

    warning = error = info = exception


async def test_a_refusal_holds_nothing_of_its_request_once_it_is_answered(probe: httpx.AsyncClient):
    """A circle through an error's frames would keep the body until the collector comes, which counts no bytes."""
    gc.collect()
    gc.disable()
    try:
        for body in (
            {"title": "unknown keys", "nobody": "knows"},
            {"title": "linked", "link_to": str(uuid4())},
        ):
            for headers in ({}, {"idempotency-key": uuid4().hex}):
                assert (await probe.post("/v1/notes", json=body, headers=headers)).status_code in (409, 422)
        left = [type(each) for each in gc.get_objects() if isinstance(each, REFUSALS)]
    finally:
        gc.enable()
    assert left == []
