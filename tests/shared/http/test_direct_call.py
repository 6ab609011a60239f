"""A direct call of an endpoint gives what FastAPI's own way gives, and leaves to it what it refuses."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Annotated, Any
from uuid import UUID

import orjson
import pytest
from fastapi import Cookie, Depends, File, Form, Header, Query, Response, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.requests import Request

from shared.http.fast import direct_call
from shared.http.fast.direct_call import DirectCall, direct
from shared.values.fields import MoneyIO

THING = "0192b1f0-7c3e-7b1a-8000-000000000001"


class ThingIn(BaseModel):
    """A body."""

    name: str = Field(min_length=1, max_length=5)
    price: MoneyIO | None = None
    sizes: list[int] = []


class ThingOut(BaseModel):
    """An answer."""

    id: UUID
    name: str
    price: MoneyIO | None
    sizes: list[int]
    limit: int
    word: str | None
    version: int | None
    asked: str


async def _asked(request: Request, limit: Annotated[int, Query(ge=1, le=9)] = 5) -> str:
    return f"{request.method} {limit}"


async def _version(if_match: Annotated[int | None, Header()] = None) -> int | None:
    return if_match


async def change(
    thing_id: UUID,
    body: ThingIn,
    asked: Annotated[str, Depends(_asked)],
    version: Annotated[int | None, Depends(_version)],
    word: Annotated[str | None, Query(alias="from", max_length=4)] = None,
    limit: int = 7,
) -> ThingOut:
    """An endpoint with a parameter of every usual kind."""
    return ThingOut(
        id=thing_id, name=body.name, price=body.price, sizes=body.sizes, limit=limit, word=word,
        version=version, asked=asked,
    )  # fmt: skip


def request_of(
    stack: AsyncExitStack, *, thing: str = THING, query: str = "", body: Any = None, headers: dict[str, str]
) -> Request:
    """A request as the edge hands it on."""
    raw = [(k.encode(), v.encode()) for k, v in ({"content-type": "application/json"} | headers).items()]
    scope = {
        "type": "http", "method": "POST", "path": f"/things/{thing}", "query_string": query.encode(), "headers": raw,
        "path_params": {"thing_id": thing}, "fastapi_middleware_astack": stack, "fastapi_inner_astack": stack,
        "fastapi_function_astack": stack,
    }  # fmt: skip
    request = Request(scope)
    request._body = b"" if body is None else orjson.dumps(body)
    if body is not None:
        request._json = body
    return request


def route_of(endpoint: Callable[..., Any], **options: Any) -> APIRoute:
    return APIRoute("/things/{thing_id}", endpoint, methods=["POST"], status_code=201, **options)


ASKED: list[dict[str, Any]] = [
    {"body": {"name": "a"}},
    {
        "body": {"name": "a", "price": {"amount": "1.50", "currency": "EUR"}, "sizes": [1, 2]},
        "query": "limit=3&from=x",
    },
    {"body": {"name": "a"}, "query": "limit=3&limit=4", "headers": {"if-match": "12"}},
    {"body": {"name": "a"}, "query": "from="},
    # Refused, each for its own reason.
    {"body": {"name": ""}},
    {"body": {"name": "a", "price": {"amount": "1.505", "currency": "EUR"}}},
    {"body": {"name": "a", "sizes": ["x", None]}},
    {"body": {"name": "a"} | {f"unknown_{n}": n for n in range(100)}},
    {"body": {"name": "a", "sizes": ["x"] * 100}},
    {"body": {"name": "a"}, "thing": "not-a-uuid"},
    {"body": {"name": "a"}, "query": "limit=0"},
    {"body": {"name": "a"}, "query": "limit=x&from=abcde", "headers": {"if-match": "one"}},
    {"body": [1]},
    {"body": None},
]


async def said(handle: Callable[[Request], Any], asked: dict[str, Any]) -> Any:
    """What a way says: its answer, or what it refuses."""
    async with AsyncExitStack() as stack:
        try:
            response = await handle(request_of(stack, **({"headers": {}} | asked)))
        except RequestValidationError as error:
            return error.errors()
        return response.status_code, response.body, sorted(response.raw_headers)


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: str(sorted(asked.items()))[:60])
async def test_both_ways_say_the_same(asked: dict[str, Any]):
    route = route_of(change)
    handle = route.get_route_handler()

    assert direct(route, handle) is not handle
    assert await said(direct(route, handle), asked) == await said(handle, asked)


async def test_only_what_has_wrong_parameters_or_no_body_goes_fastapis_way_and_goes_it_once():
    gone: list[Request] = []

    async def handle(request: Request) -> Response:
        gone.append(request)
        return Response(status_code=422)

    way = direct(route_of(change), handle)

    said_to_each = [await said(way, asked) for asked in ASKED]

    assert [said_first[0] for said_first in said_to_each[:4]] == [201] * 4
    assert len(gone) == 4


class Why(BaseModel):
    reason: str


@pytest.mark.parametrize(
    "query", ["", "found=a", "found=a&found=b&size=3", "found=", "size=3&size=4", "size=x"], ids=str
)
async def test_a_list_of_a_query_is_read_as_by_fastapi(query: str):
    async def endpoint(
        thing_id: str,
        found: Annotated[list[str] | None, Query()] = None,
        sizes: Annotated[list[int], Query(alias="size", max_length=2)] = [7],  # noqa: B006
    ) -> list[str]:
        return [thing_id, *(found or ["none"]), *map(str, sizes)]

    route = route_of(endpoint)
    handle = route.get_route_handler()

    assert direct(route, handle) is not handle
    assert await said(direct(route, handle), {"query": query}) == await said(handle, {"query": query})


@pytest.mark.parametrize("asked", [{"body": None}, {"body": {"reason": "late"}}, {"body": {}}], ids=str)
async def test_a_body_may_be_left_out_where_the_endpoint_says_so(asked: dict[str, Any]):
    async def hold(thing_id: str, why: Why | None = None) -> str:
        return f"{thing_id} {why.reason if why else 'for no reason'}"

    route = route_of(hold)
    handle = route.get_route_handler()
    gone: list[Request] = []

    async def watched(request: Request) -> Response:
        gone.append(request)
        return await handle(request)

    assert await said(direct(route, watched), asked) == await said(handle, asked)
    assert gone == []


async def test_a_mutable_default_is_each_requests_own():
    default: list[str] = []

    async def grow(thing_id: str, word: Annotated[Any, Query()] = default) -> list[str]:
        word.append(thing_id)
        return list(word)

    route = route_of(grow)
    way = direct(route, route.get_route_handler())

    assert [(await said(way, {}))[1] for _ in range(2)] == [orjson.dumps([THING])] * 2


async def _stream(request: Request) -> AsyncIterator[str]:
    yield str(request.method)


def _plain(request: Request) -> str:
    return str(request.method)


async def with_generator(thing_id: str, found: Annotated[str, Depends(_stream)]) -> str:
    return found


async def with_plain_dependency(thing_id: str, found: Annotated[str, Depends(_plain)]) -> str:
    return found


async def with_cookie(thing_id: str, found: Annotated[str | None, Cookie()] = None) -> str | None:
    return found


async def with_response(thing_id: str, response: Response) -> str:
    return str(response.status_code)


async def with_two_bodies(thing_id: str, one: ThingIn, two: ThingIn) -> str:
    return one.name + two.name


async def with_form(thing_id: str, word: Annotated[str, Form()]) -> str:
    return word


async def with_file(thing_id: str, file: Annotated[UploadFile, File()]) -> str:
    return str(file.filename)


async def with_query_model(thing_id: str, found: Annotated[ThingIn, Query()]) -> str:
    return found.name


async def with_a_dependency_twice(
    thing_id: str, one: Annotated[str, Depends(_asked)], two: Annotated[str, Depends(_asked)]
) -> str:
    return one + two


def in_a_thread(thing_id: str) -> str:
    return thing_id


@pytest.mark.parametrize(
    "endpoint",
    [with_generator, with_plain_dependency, with_cookie, with_response, with_two_bodies, with_form,
     with_file, with_query_model, with_a_dependency_twice, in_a_thread],
)  # fmt: skip
def test_an_unusual_endpoint_is_fastapis(endpoint: Callable[..., Any]):
    route = route_of(endpoint)
    handle = route.get_route_handler()

    assert direct(route, handle) is handle


@pytest.mark.parametrize(
    "option",
    [{"response_model": None}, {"response_model_exclude_none": True}, {"response_model_include": {"id"}},
     {"response_class": Response}],
    ids=str,
)  # fmt: skip
def test_an_unusual_answer_is_fastapis(option: dict[str, Any]):
    route = route_of(change, **option)
    handle = route.get_route_handler()

    assert direct(route, handle) is handle


@pytest.fixture
def asked_anew() -> Iterator[None]:
    """Whether direct calls work is found out once; here it is found out again, and afterwards, too."""
    direct_call.works.cache_clear()
    yield
    direct_call.works.cache_clear()


@pytest.mark.usefixtures("asked_anew")
def test_direct_calls_can_be_switched_off(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(direct_call.SWITCH, "off")
    route = route_of(change)
    handle = route.get_route_handler()

    assert direct(route, handle) is handle


def _renamed(call: DirectCall, request: Request) -> dict[str, Any]:
    raise AttributeError("a release of FastAPI has renamed something")


async def _other_values(call: DirectCall, request: Request) -> dict[str, Any]:
    return {"thing": 8, "body": direct_call._Sample(name="z"), "version": None, "limit": 5}


@pytest.mark.usefixtures("asked_anew")
@pytest.mark.parametrize("arguments", [_renamed, _other_values])
def test_where_a_sample_comes_out_otherwise_than_by_fastapi_every_route_is_fastapis(
    arguments: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(DirectCall, "arguments", arguments)
    route = route_of(change)
    handle = route.get_route_handler()

    assert direct(route, handle) is handle
