"""The straight way into an endpoint: what FastAPI worked out about a route at the start, applied without searching.

FastAPI looks at every possibility of a route again at every request (aliases, generators, streams, forms), about a
sixth of a hot request's CPU here. Here the same fields check the same values, the same adapter writes the answer.
A route of any other kind, and every request whose values do not fit, takes FastAPI's own way: what is refused, and
how, stays its decision.
"""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from fastapi._compat import ModelField, field_annotation_is_sequence, lenient_issubclass
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.params import Form
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

TOGETHER = "__together__"
SHOWN = "backoffice.shown"  # in a request's scope: the resource of which the answer's body was made
Handle = Callable[[Request], Coroutine[Any, Any, Response]]
Find = Callable[[Request], Mapping[str, str]]
SOURCES: tuple[tuple[str, Find], ...] = (
    ("path_params", lambda request: request.path_params),
    ("query_params", lambda request: request.query_params),
    ("header_params", lambda request: request.headers),
)


class DoesNotFit(Exception):  # noqa: N818 - no error: FastAPI goes on
    """A value is missing or does not fit."""


class _Parameters:
    """Parameters of one kind (path, query or headers) of an endpoint or a dependency."""

    __slots__ = ("_fields", "_find")

    def __init__(self, fields: list[ModelField], find: Find) -> None:
        self._find = find
        self._fields = [
            (
                field.name,
                field.alias,
                field._type_adapter.validate_python,
                field.field_info.is_required(),
                field,
            )
            for field in fields
        ]

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


class Straight:
    """A route whose every part is of the kinds known here."""

    def __init__(self, route: APIRoute) -> None:
        shown = route.response_field
        assert route.dependant.call is not None
        assert shown is not None
        self.call = route.dependant.call
        self.names = tuple(inspect.signature(self.call).parameters)
        self._values = _Call(route.dependant).values
        self._body = route.dependant.body_params[0] if route.dependant.body_params else None
        self._status = route.status_code or 200
        self._check, self._write = shown._type_adapter.validate_python, shown._type_adapter.dump_json

    async def arguments(self, request: Request) -> dict[str, Any]:
        """What the endpoint is called with; raises `DoesNotFit` for what FastAPI has to look at."""
        try:
            values = await self._values(request)
            if self._body is not None:
                values[self._body.name] = self._given(self._body, request)
        except ValidationError as error:
            raise DoesNotFit from error
        return values

    def _given(self, field: ModelField, request: Request) -> object:
        """The body as the edge has read it, checked."""
        try:
            given = request._json
        except AttributeError:
            if getattr(request, "_body", None) != b"" or field.field_info.is_required():
                raise DoesNotFit from None
            return deepcopy(field.default)
        return field._type_adapter.validate_python(given, from_attributes=True)

    def shown(self, request: Request, result: object) -> Response:
        """The answer that shows a result."""
        request.scope[SHOWN] = shown = self._check(result, from_attributes=True)
        return Response(self._write(shown, by_alias=True), self._status, media_type="application/json")


@dataclass(frozen=True, slots=True)
class Together:
    """An endpoint that can be called for several requests at once: the way into it, and the function for all."""

    way: Straight
    function: Callable[[Sequence[tuple[Any, ...]]], Awaitable[Sequence[object]]]

    @classmethod
    def of(cls, route: APIRoute) -> "Together | None":
        """What `Router` has marked the route's endpoint with, if anything."""
        function = getattr(route.endpoint, TOGETHER, None)
        if function is None:
            return None
        if not _is_usual(route) or route.methods not in ({"POST"}, {"GET"}):
            raise TypeError(f"{route.path}: requests of this kind of route cannot be taken together")
        return cls(Straight(route), function)


def straight(route: APIRoute, handle: Handle) -> Handle:
    """A handler that takes the straight way where it can and `handle` where it cannot."""
    if not _is_usual(route):
        return handle
    way = Straight(route)

    async def answer(request: Request) -> Response:
        try:
            values = await way.arguments(request)
        except DoesNotFit:
            return await handle(request)
        result = await way.call(**values)
        return result if isinstance(result, Response) else way.shown(request, result)

    return answer


def _is_usual(route: APIRoute) -> bool:
    """Whether everything about a route is of the kinds known here."""
    dependant = route.dependant
    return (
        dependant.call is not None
        and route.response_field is not None
        and isinstance(route.response_class, DefaultPlaceholder)
        and not (route.response_model_include or route.response_model_exclude)
        and not (route.response_model_exclude_unset or route.response_model_exclude_defaults)
        and not route.response_model_exclude_none
        and route.response_model_by_alias
        and not route._embed_body_fields
        and len(dependant.body_params) <= 1
        and not any(isinstance(field.field_info, Form) for field in dependant.body_params)
        and _is_plain(dependant)
        and all(_is_plain(each) and not each.body_params for each in _below(dependant))
        and _each_once(dependant)
    )


def _below(dependant: Dependant) -> list[Dependant]:
    return [found for each in dependant.dependencies for found in (each, *_below(each))]


def _each_once(dependant: Dependant) -> bool:
    """FastAPI calls a dependency once however often it is named; here nothing remembers that."""
    calls = [each.call for each in _below(dependant)]
    return len(set(calls)) == len(calls)


def _is_plain(dependant: Dependant) -> bool:
    special = (
        dependant.cookie_params, dependant.websocket_param_name, dependant.http_connection_param_name,
        dependant.response_param_name, dependant.background_tasks_param_name,
        dependant.security_scopes_param_name, dependant.own_oauth_scopes, dependant.concurrency,
    )  # fmt: skip
    fields = [*dependant.path_params, *dependant.query_params, *dependant.header_params]
    return (
        not any(special)
        and inspect.iscoroutinefunction(dependant.call)
        and all(_is_scalar(field) for field in fields)
    )


def _is_scalar(field: ModelField) -> bool:
    """A single value by a single name."""
    annotation = field.field_info.annotation
    named = field.field_info.validation_alias in (None, field.alias)
    return (
        named
        and not field.field_info.validate_default
        and not field_annotation_is_sequence(annotation)
        and not lenient_issubclass(annotation, BaseModel)
    )
