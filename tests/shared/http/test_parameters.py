"""Query parameters: what a route declares is all it takes, each once unless it is a list."""

from uuid import uuid4

import httpx
import pytest

from tests.shared.given_notes import given_note

KNOWN = ["cursor", "ids", "limit", "state"]


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ("stat=draft", ["/query/stat"]),
        ("State=draft", ["/query/State"]),
        ("limit=5&statex=&b=1&a=1", ["/query/a", "/query/b", "/query/statex"]),
        ("a/b~c=1", ["/query/a~1b~0c"]),
        ("=1", ["/query/"]),
        ("state%5B%5D=draft", ["/query/state[]"]),
    ],
)
async def test_a_parameter_that_nobody_declared_is_refused_and_the_known_ones_are_named(
    query: str, pointers: list[str], probe: httpx.AsyncClient
):
    await given_note(probe)

    answer = await probe.get(f"/v1/notes?{query}")

    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_parameter")
    assert [error["pointer"] for error in answer.json()["errors"]] == pointers
    assert {error["code"] for error in answer.json()["errors"]} == {"unknown_parameter"}
    assert answer.json()["known"] == KNOWN


async def test_a_parameter_with_one_value_is_refused_when_it_comes_twice(probe: httpx.AsyncClient):
    for query in ("state=draft&state=draft", "limit=1&limit=2", "state=&state=x&limit=1"):
        answer = await probe.get(f"/v1/notes?{query}")

        assert (answer.status_code, answer.json()["code"]) == (422, "repeated_parameter")
        assert answer.json()["errors"][0]["pointer"] == f"/query/{query.partition('=')[0]}"


async def test_a_parameter_that_is_a_list_may_come_as_often_as_it_has_values(probe: httpx.AsyncClient):
    notes = [await given_note(probe) for _ in range(3)]

    one = await probe.get("/v1/notes", params={"ids": [notes[1]["id"]]})
    two = await probe.get("/v1/notes", params={"ids": [notes[0]["id"], notes[2]["id"]]})

    assert [note["id"] for note in one.json()["items"]] == [notes[1]["id"]]
    assert {note["id"] for note in two.json()["items"]} == {notes[0]["id"], notes[2]["id"]}


async def test_a_change_with_an_unknown_parameter_does_nothing_and_is_not_stored_under_its_key(
    probe: httpx.AsyncClient,
):
    key = {"idempotency-key": uuid4().hex}

    refused = await probe.post("/v1/notes?dry_run=true", json={"title": "a"}, headers=key)
    made = await probe.post("/v1/notes", json={"title": "a"}, headers=key)

    assert (refused.status_code, refused.json()["known"]) == (422, [])
    assert made.status_code == 201


async def test_who_may_not_do_it_is_told_that_and_nothing_of_the_parameters(probe: httpx.AsyncClient):
    answer = await probe.get("/v1/notes?stat=draft", headers={"x-internal-token": "none"})

    assert answer.status_code == 401


async def test_a_query_of_too_many_parameters_is_refused_unread(probe: httpx.AsyncClient):
    ids = [str(uuid4()) for _ in range(201)]
    pairs = [f"ids={id_}" for id_ in ids]

    most = await probe.get("/v1/notes?" + "&".join(pairs[:200]))
    above = await probe.get("/v1/notes?" + "&".join(pairs))
    more = await probe.get("/v1/notes?" + "&".join(["limit=1"] * 257))

    assert most.status_code == 200
    assert (above.status_code, above.json()["errors"][0]["pointer"]) == (422, "/query/ids")
    assert (more.status_code, more.json()["code"], more.json()["limit"]) == (400, "malformed", 256)
