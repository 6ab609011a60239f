"""Direct calls of endpoints: what FastAPI worked out about a route at the start, applied without searching.

FastAPI looks at every possibility of a route again at every request (aliases, generators, streams, forms), about a
sixth of a hot request's CPU here. Here the same fields check the same values, the same adapter writes the reply.
A route of any other kind, and every request whose values do not fit, takes FastAPI's own way: what is refused, and
how, stays its decision. Only a body that is all that is wrong is refused here, in FastAPI's words: looking through a
large one again would hold the event loop twice as long.
"""

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from copy import deepcopy
from functools import cache
from typing import Annotated, Any, cast

import orjson
import structlog
from fastapi import Depends, Header, Query
from fastapi._compat import ModelField, field_annotation_is_sequence
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from shared.base.loops import give_way
from shared.http.fast.usual_routes import is_usual
from shared.http.request_transaction import SHOWN, Arguments, BatchForm, BatchFunction, Handle
from shared.values.bounded import KnownKeys

SWITCH = "BACKOFFICE_DIRECT_CALLS"  # `off`: every route takes FastAPI's own way
BYTES_OF_A_PIECE = 40  # of a body: a short line of an order
log = structlog.get_logger()
Find = Callable[[Request], Mapping[str, str]]
SOURCES: tuple[tuple[str, Find], ...] = (
    ("path_params", lambda request: request.path_params),
    ("query_params", lambda request: request.query_params),
    ("header_params", lambda request: request.headers),
)


class DoesNotFit(Exception):  # noqa: N818 - no error: FastAPI goes on
    """A value is missing or does not fit; `refusal` is what FastAPI would say, where nothing but the body is wrong."""

    def __init__(self, refusal: RequestValidationError | None = None) -> None:
        super().__init__()
        self.refusal = refusal


class _Parameters:
    """Parameters of one kind (path, query or headers) of an endpoint or a dependency."""

    __slots__ = ("_fields", "_find", "_lists")

    def __init__(self, fields: list[ModelField], find: Find) -> None:
        self._find = find
        self._fields = [
            (f.name, f.alias, f._type_adapter.validate_python, f.field_info.is_required(), f)
            for f in fields
            if not _is_list(f)
        ]
        self._lists = [(f.name, f.alias, f._type_adapter.validate_python, f) for f in fields if _is_list(f)]

    def add_to(self, values: dict[str, Any], request: Request) -> None:
        """Find and check each."""
        found = self._find(request)
        for name, alias, validate, required, field in self._fields:
            value = found.get(alias)
            if value is not None:
                values[name] = validate(value, from_attributes=True)
            elif required:
                raise DoesNotFit
            else:
                values[name] = deepcopy(field.default)
        for name, alias, validate, field in self._lists:
            several = request.query_params.getlist(alias)  # only a query has lists
            if several:
                values[name] = validate(several, from_attributes=True)
            elif field.field_info.is_required():
                raise DoesNotFit
            else:
                values[name] = deepcopy(field.default)


def _is_list(field: ModelField) -> bool:
    return field_annotation_is_sequence(field.field_info.annotation)


class _Call:
    """An endpoint or a dependency with all it is given."""

    __slots__ = ("_call", "_dependencies", "_parameters", "_request_as")

    def __init__(self, dependant: Dependant) -> None:
        assert dependant.call is not None
        self._call = dependant.call
        self._request_as = dependant.request_param_name
        self._dependencies = [(each.name, _Call(each)) for each in dependant.dependencies]
        self._parameters = [
            _Parameters(getattr(dependant, kind), find) for kind, find in SOURCES if getattr(dependant, kind)
        ]

    async def values(self, request: Request) -> dict[str, Any]:
        """What it is called with, but for a body."""
        values: dict[str, Any] = {}
        for name, dependency in self._dependencies:
            solved = await dependency._call(**await dependency.values(request))
            if name is not None:
                values[name] = solved
        for parameters in self._parameters:
            parameters.add_to(values, request)
        if self._request_as is not None:
            values[self._request_as] = request
        return values


class DirectCall:
    """A route whose every part is of the kinds known here."""

    def __init__(self, route: APIRoute) -> None:
        shown = route.response_field
        assert route.dependant.call is not None
        assert shown is not None
        self.endpoint = route.dependant.call
        self.names = tuple(inspect.signature(self.endpoint).parameters)
        self._values = _Call(route.dependant).values
        self._body = route.dependant.body_params[0] if route.dependant.body_params else None
        self._status = route.status_code or 200
        self._check, self._write = shown._type_adapter.validate_python, shown._type_adapter.dump_json

    async def arguments(self, request: Request) -> dict[str, Any]:
        """What the endpoint is called with; raises `DoesNotFit` for what FastAPI has to look at."""
        try:
            values = await self._values(request)
        except ValidationError as error:
            raise DoesNotFit from error
        if self._body is not None:
            values[self._body.name] = self._given(self._body, request)
        return values

    def _given(self, field: ModelField, request: Request) -> object:
        """The body as the edge has read it, checked."""
        try:
            given = request._json
        except AttributeError:
            if getattr(request, "_body", None) != b"" or field.field_info.is_required():
                raise DoesNotFit from None
            return deepcopy(field.default)
        try:
            return field._type_adapter.validate_python(given, from_attributes=True)
        except ValidationError as error:
            found = [{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)]
            raise DoesNotFit(RequestValidationError(found, body=given)) from error

    def shown(self, request: Request, result: object) -> Response:
        """The reply that shows a result."""
        request.scope[SHOWN] = shown = self._check(result, from_attributes=True)
        return Response(self._write(shown, by_alias=True), self._status, media_type="application/json")


def direct(route: APIRoute, handle: Handle) -> Handle:
    """A handler that calls the endpoint directly where it can, and by `handle` where it cannot."""
    if not works() or not is_usual(route):
        return handle
    call = DirectCall(route)

    async def reply(request: Request) -> Response:
        try:
            values = await call.arguments(request)
        except DoesNotFit as misfit:
            if misfit.refusal is not None:
                raise misfit.refusal from misfit
            return await handle(request)
        result = await call.endpoint(**values)
        if isinstance(result, Response):
            return result
        await give_way(len(getattr(request, "_body", b"")) // BYTES_OF_A_PIECE)
        return call.shown(request, result)

    return reply


def batch_form(route: APIRoute, function: BatchFunction) -> BatchForm | None:
    """How a route's requests are read for `function`, which does several at once; None without direct calls."""
    if route.methods != {"POST"} or not is_usual(route):
        raise TypeError(f"{route.path}: requests of this kind of route cannot share a transaction")
    if not works():
        return None
    call = DirectCall(route)

    async def arguments(request: Request) -> Arguments:
        values = await call.arguments(request)
        return tuple(values[name] for name in call.names if name != "ctx")

    return BatchForm(function, arguments, call.shown)


@cache
def works() -> bool:
    """Whether direct calls are made: not switched off, and of a piece with the FastAPI that is installed.

    A new release of FastAPI may rename what is read of it here. Then a sample comes out otherwise than by FastAPI's
    own way, and every route takes that one: slower, never wrong.
    """
    if os.environ.get(SWITCH, "on") == "off":
        return False
    try:
        _compare_with_fastapi()
    except Exception:
        log.exception("direct calls are off: they do not fit the FastAPI that is installed")
        return False
    return True


class _Sample(KnownKeys):
    """A body and a reply of every usual kind of value."""

    name: str
    size: int = 3


async def _sample_dependency(if_match: Annotated[int | None, Header()] = None) -> int | None:
    return if_match


async def _sample(
    thing: int,
    body: _Sample,
    version: Annotated[int | None, Depends(_sample_dependency)],
    limit: Annotated[int, Query(le=9)] = 5,
    ids: Annotated[list[int] | None, Query()] = None,
) -> _Sample:
    return _Sample(name=f"{thing} {body.name} {version} {limit} {ids}", size=body.size)


def _compare_with_fastapi() -> None:
    """Put requests to a sample both ways, good ones and refused ones; raises when they differ."""
    route = APIRoute("/{thing}", _sample, methods=["POST"], status_code=201, response_model=_Sample)
    if not is_usual(route):
        raise TypeError("a usual route is not known as one")
    call = DirectCall(route)

    async def directly(request: Request) -> Response:
        return call.shown(request, await call.endpoint(**await call.arguments(request)))

    fastapis = route.get_route_handler()
    for query, body in ((b"limit=2&ids=1&ids=3", {"name": "a", "size": 4}), (b"", {"name": "b"})):
        replies = [_run(way, query, body) for way in (directly, fastapis)]
        if len({(reply.status_code, bytes(reply.body)) for reply in replies}) != 1:
            raise TypeError("a sample comes out otherwise than by FastAPI")
    if _refusal(directly, b"limit=10", {"name": "a"}) is not None:
        raise TypeError("a value that FastAPI refuses is taken")
    crowded = {"name": "a"} | {f"unknown_{n}": n for n in range(9)}
    for wrong in ({"name": 1, "size": "x"}, crowded, [1]):
        told = [_refusal(way, b"", wrong) for way in (directly, fastapis)]
        if told[0] != told[1]:
            raise TypeError("a body is refused otherwise than by FastAPI")


def _refusal(handle: Handle, query: bytes, body: object) -> Sequence[Any] | None:
    """What a handler that must refuse says; None where it leaves that to FastAPI."""
    try:
        _run(handle, query, body)
    except DoesNotFit as misfit:
        return misfit.refusal.errors() if misfit.refusal is not None else None
    except RequestValidationError as error:
        return error.errors()
    raise TypeError("a value that FastAPI refuses is taken")


def _run(handle: Handle, query: bytes, body: object) -> Response:
    """Run a handler to its end; nothing in the sample waits for anything, so no event loop is needed."""
    stack = AsyncExitStack()
    request = Request(
        {
            "type": "http", "method": "POST", "path": "/7", "query_string": query, "path_params": {"thing": "7"},
            "headers": [(b"content-type", b"application/json"), (b"if-match", b"12")],
            "fastapi_middleware_astack": stack, "fastapi_inner_astack": stack, "fastapi_function_astack": stack,
        }
    )  # fmt: skip
    request._body, request._json = orjson.dumps(body), body
    running = handle(request)
    try:
        running.send(None)
    except StopIteration as ended:
        return cast(Response, ended.value)
    raise TypeError("the sample waits for something")
