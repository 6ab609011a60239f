"""No JSON body holds the event loop for longer than the largest that anybody needs.

A million and a half unknown keys in one body once held it for ten seconds and took two gigabytes.
"""

import asyncio
import gc
import itertools
import json
import re
import time
from collections.abc import Awaitable, Iterator
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter

from gateway.service import SERVICE as GATEWAY
from services.all import SERVICES
from shared.context.ctx import TenantFacts
from shared.http.router import BODY_LIMIT, Operation
from shared.values.bounded import MOST_ERRORS, KnownKeys
from shared.values.masked import models_in
from tests.attacks.bystander import Company, Target, under_way
from tests.kit.suite import Suite

JSON = {"content-type": "application/json"}
ROUTES = [
    (service.name, route)
    for service in (*SERVICES, GATEWAY)
    for router in service.routers()
    for route in router.routes
    if isinstance(route, Operation) and route.takes_body and not route.reads_form
]
NAMES = [f"{min(route.methods)} {route.path}" for _, route in ROUTES]
ENTRIES = "/v1/journal-entries"
NOISE = 2  # how much longer the same may take on a busy machine, or under another Python


def filled(begin: str, unit: str, end: str = "", *, between: str = ",") -> bytes:
    """A body of almost as much as is taken, one thing over and over; `#` in it counts."""
    size, parts = len(begin) + len(end), []
    for n in itertools.count():
        part = unit.replace("#", str(n))
        size += len(part.encode()) + len(between)
        if size > BODY_LIMIT:
            return (begin + between.join(parts) + end).encode()
        parts.append(part)
    raise AssertionError


def entry_line(side: str, dimension: object = "x" * 32) -> dict[str, Any]:
    names = [f"dimension {n}" for n in range(16)]
    return {
        "account": "6000",
        side: {"amount": "1.00", "currency": "GBP"},
        "dimensions": dict.fromkeys(names, dimension),
    }


def entry(lines: list[dict[str, Any]]) -> bytes:
    return json.dumps({"effective_on": "2026-03-01", "memo": "Large", "lines": lines}).encode()


RIGHT = [entry_line(side) for side in ("debit", "credit")] * 500
HEAD = '{"effective_on": "2026-03-01", "memo": "x", "lines": ['
HOSTILE: dict[str, bytes] = {
    "unknown keys": filled("{", '"k#":1', "}"),
    "unknown keys beside known ones": filled(HEAD + "{}],", '"k#":1', "}"),
    "unknown keys of one line": filled(HEAD + "{", '"k#":1', "}]}"),
    "unknown keys of each line": filled(HEAD, "{" + ",".join(f'"k{n}":1' for n in range(300)) + "}", "]}"),
    "unknown keys of one amount": filled(HEAD + '{"account": "1", "debit": {', '"k#":1', "}}]}"),
    "too many dimensions": filled(HEAD + '{"account": "1", "dimensions": {', '"k#":"v"', "}}]}"),
    "each line wrong in all": entry([entry_line("debit", 1) | {"account": 1, "debit": 1}] * 1000),
    "the last line wrong": entry([*RIGHT[:-1], {"account": 1}]),
    "too many lines": filled(HEAD, "{}", "]}"),
    "numbers for lines": filled(HEAD, "1", "]}"),
    "a list for a text": filled('{"memo": [', "1", "]}"),
    "lists for a text": filled('{"memo": [', "[]", "]}"),
    "objects for a text": filled('{"memo": [', "{}", "]}"),
    "an object for a text": filled('{"memo": {', '"k#":[]', "}}"),
    "a huge text": filled('{"memo": "', "x", '"}', between=""),
    "a huge text of letters that are long": filled('{"memo": "', "漢", '"}', between=""),
    "a huge text of escapes": filled('{"memo": "', "\\u0000", '"}', between=""),
    "a huge text for a date": filled('{"effective_on": "', "2", '"}', between=""),
    "a huge text for an amount": filled(HEAD + '{"debit": {"amount": "', "9", '"}}]}', between=""),
    "a huge key": filled('{"', "k", '": 1}', between=""),
    "a number of a million digits": filled('{"memo": ', "9", "}", between=""),
    "a number of a million decimals": filled('{"memo": 0.', "1", "}", between=""),
    "a huge exponent": b'{"memo": 1e999999, "effective_on": -1e-999999}',
    "one key again and again": filled("{", '"memo":1', "}"),
    "deep lists": b"[" * BODY_LIMIT,
    "deep objects": b'{"a":' * (BODY_LIMIT // 5),
    "lists just not too deep": filled('{"memo": [', "[" * 500 + "]" * 500, "]}"),
    "objects just not too deep": filled(HEAD, '{"a":' * 500 + "1" + "}" * 500, "]}"),
    "no JSON at the end": filled("[", "1", ",]"),
    "no JSON but blanks": b" " * BODY_LIMIT,
    "a text that never ends": filled('{"memo": "', "\\\\", "", between=""),
}


async def held(request: Awaitable[httpx.Response]) -> tuple[httpx.Response, float]:
    """An answer, and the longest stretch of CPU time (s) in which nobody else had a turn meanwhile."""
    longest = 0.0

    async def take_turns() -> None:
        nonlocal longest
        last = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            longest, last = max(longest, now - last), now

    async with under_way(take_turns()):
        await asyncio.sleep(0)
        answer = await request
        await asyncio.sleep(0)
    return answer, longest


async def posted(billing: httpx.AsyncClient, body: bytes) -> tuple[httpx.Response, float]:
    return await held(billing.post(ENTRIES, content=body, headers=JSON))


@pytest.fixture(scope="module", autouse=True)
def memory_as_served() -> Iterator[None]:
    """What start-up made is left out of garbage collection, as in every served process (`deploy.run.server`)."""
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


@pytest.fixture(scope="module")
async def longest_right(suite: Suite) -> float:
    """How long the loop is held for the largest entry that is right."""
    body = entry(RIGHT)
    assert BODY_LIMIT * 0.6 < len(body) <= BODY_LIMIT
    answer, seconds = await posted(suite.client("billing", await suite.new_tenant()), body)
    assert answer.status_code == 201, answer.text
    return seconds


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_body_holds_the_loop_no_longer_than_the_largest_right_one(
    billing: httpx.AsyncClient, longest_right: float, name: str
):
    answer, seconds = await posted(billing, HOSTILE[name])

    assert len(HOSTILE[name]) <= BODY_LIMIT
    assert answer.status_code in (400, 422), answer.text[:1000]
    assert len(answer.json().get("errors", [])) <= MOST_ERRORS
    assert len(answer.content) < 64 * 1024
    assert seconds <= NOISE * longest_right


@pytest.mark.parametrize(
    ("service", "route"),
    [pair for pair in ROUTES if pair[0] != GATEWAY.name],
    ids=lambda part: str(part)[:60],
)
async def test_unknown_keys_cost_every_operation_little_more_than_reading_them(
    suite: Suite, tenant: TenantFacts, service: str, route: Operation
):
    body = HOSTILE["unknown keys"]
    began = time.thread_time()
    json.loads(body)
    reading = time.thread_time() - began
    path = re.sub(r"\{[^}]+\}", "00000000-0000-7000-8000-000000000000", route.path)
    headers = JSON | {"if-match": "1"}

    answer, seconds = await held(
        suite.client(service, tenant).request(min(route.methods), path, content=body, headers=headers)
    )

    assert answer.status_code == 422, answer.text[:1000]
    assert len(answer.json()["errors"]) <= MOST_ERRORS
    assert seconds <= 4 * reading


async def test_the_options_of_an_import_are_bounded_likewise(orders: httpx.AsyncClient):
    async def refused(options: str) -> httpx.Response:
        file = {"file": ("orders.csv", b"order_ref,sku,quantity\n1,A,1\n", "text/csv")}
        return await orders.post("/v1/order-imports", files=file, data={"options": options})

    crowded = json.dumps({f"k{n}": n for n in range(4000)})
    unknown = await refused(crowded)
    unmapped = await refused(f'{{"mapping": {crowded}}}')
    repeated = await refused(json.dumps({"create_missing": ["products"] * 5000}))
    deep = await refused("[" * 60_000)
    large = await refused('{"tax_code": "' + "x" * 65_536 + '"}')

    assert [each.status_code for each in (unknown, unmapped, repeated, deep, large)] == [422] * 4 + [413]
    assert len(unknown.json()["errors"]) == len(unmapped.json()["errors"]) == MOST_ERRORS
    assert [error["code"] for error in repeated.json()["errors"]] == ["too_long"]


def schemas(part: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema inside a schema, by where it stands."""
    if isinstance(part, dict):
        if "type" in part:
            yield path, part
        for name, inner in part.items():
            if name not in ("default", "examples", "enum", "const"):
                yield from schemas(inner, f"{path}/{name}")
    elif isinstance(part, list):
        for place, inner in enumerate(part):
            yield from schemas(inner, f"{path}/{place}")


def unbounded(schema: dict[str, Any]) -> bool:
    """Whether a caller decides how much there may be of something."""
    kind = schema["type"]
    if kind == "array":
        return "maxItems" not in schema
    if kind == "object":
        closed = schema.get("additionalProperties") is False
        named = "maxLength" in schema.get("propertyNames", {})
        return not closed and not ("maxProperties" in schema and named)
    return kind == "string" and not {"maxLength", "enum", "const", "format", "pattern"} & schema.keys()


@pytest.mark.parametrize(("service", "route"), ROUTES, ids=NAMES)
def test_what_a_body_may_hold_is_bounded_at_every_depth(service: str, route: Operation):
    assert route.body_field is not None
    annotation = route.body_field.field_info.annotation
    document = TypeAdapter(annotation).json_schema(mode="validation")

    open_models = [model for model in models_in(annotation) if not issubclass(model, KnownKeys)]
    open_places = [place for place, schema in schemas(document, "") if unbounded(schema)]

    assert open_models == []
    assert open_places == []


async def test_bystanders_are_served_while_hostile_bodies_come_one_after_the_other(target: Target):
    attacker, bystander = await target.company(), await target.company()
    before = target.resident_mb()

    async def attack(company: Company, bodies: list[bytes]) -> None:
        for body in itertools.cycle(bodies):
            answer = await company.http.post(ENTRIES, content=body, headers=JSON)
            assert answer.status_code in (400, 422), answer.text[:500]

    bodies = list(HOSTILE.values())
    async with (
        under_way(attack(attacker, bodies)) as one,
        under_way(attack(attacker, bodies[::-1])) as other,
    ):
        await bystander.is_served(times=20, path="/v1/invoices?limit=5")
        await bystander.is_served(times=20)
        assert one.runs()
        assert other.runs()

    grown = {name: now - before[name] for name, now in target.resident_mb().items() if name in before}
    assert {name: mb for name, mb in grown.items() if mb > 256} == {}


async def test_a_million_keys_are_refused_by_their_size_before_they_reach_a_service(target: Target):
    company = await target.company()
    body = b"{" + b",".join(b'"k%d":1' % n for n in range(1_500_000)) + b"}"

    answer = await company.http.post(ENTRIES, content=body, headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.json()["limit"] == BODY_LIMIT
