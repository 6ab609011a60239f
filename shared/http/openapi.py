"""OpenAPI 3.1: every operation with its scope, its problem answers and the headers the edge understands."""

import asyncio
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shared.base import telemetry
from shared.http import problems
from shared.http.router import (
    BODY_KEY,
    BODY_LIMIT,
    GUEST_KEY,
    SCOPE_KEY,
    SEALED_SCOPES_KEY,
    UPLOAD_KEY,
    WAITS_KEY,
    Operation,
)
from shared.http.service_app import ServiceApp
from shared.http.waiting import MOST_SECONDS

IDEMPOTENCY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same body takes effect once; kept 72 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}
PREFER_HEADER = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "examples": [f"wait={MOST_SECONDS}"]},
}
PREFERENCE_APPLIED_HEADER = {
    "description": "`wait=N` where the preference was honoured, with the seconds as they counted.",
    "schema": {"type": "string"},
}


def document_of(app: FastAPI) -> dict[str, Any]:
    """One service's OpenAPI document."""
    document = get_openapi(title=app.title, version=app.version, routes=app.routes, openapi_version="3.1.0")
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = problems.SCHEMA
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    document["components"]["securitySchemes"] = {
        "client": {
            "type": "oauth2",
            "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {}}},
        },
        "api_key": {"type": "http", "scheme": "bearer"},
    }
    scopes = document["components"]["securitySchemes"]["client"]["flows"]["clientCredentials"]["scopes"]
    for path in document.get("paths", {}).values():
        for method, operation in path.items():
            _complete(method, operation)
            scopes[operation[SCOPE_KEY]] = f"May use operations marked {operation[SCOPE_KEY]}"
    _tell_sealed(app, document, scopes)
    _refer(document["paths"], schemas)
    for name in list(schemas):
        schemas[name] = {key: _refer(part, schemas) for key, part in schemas[name].items()}
    return document


def _refer(part: Any, schemas: dict[str, Any]) -> Any:  # noqa: ANN401 - any part of a document
    """Refer to a model's schema wherever pydantic has written it out, which it does where it is used once."""
    if isinstance(part, dict):
        for key, value in part.items():
            part[key] = _refer(value, schemas)
        name = part.get("title")
        if isinstance(name, str) and "properties" in part and schemas.setdefault(name, part) == part:
            return {"$ref": f"#/components/schemas/{name}"}
    elif isinstance(part, list):
        part[:] = [_refer(value, schemas) for value in part]
    return part


def _tell_sealed(app: FastAPI, document: dict[str, Any], scopes: dict[str, str]) -> None:
    """Say of each operation by which scopes its masked fields are seen in full."""
    for route in getattr(app, "operations", ()):
        assert isinstance(route, Operation)
        for scope in sorted(route.sealed_scopes):
            operation = document["paths"][route.path]["get"]
            operation.setdefault(SEALED_SCOPES_KEY, []).append(scope)
            scopes[scope] = f"Sees fields in full that are masked to others (`x-sealed-scope`: {scope})"


def operations_of(app: ServiceApp) -> dict[str, Any]:
    """What a gateway needs to know to pass requests on: paths, methods, scopes, limits of bodies; no schemas."""
    paths: dict[str, dict[str, Any]] = {}
    for route in app.operations:
        for method in route.methods or ():
            paths.setdefault(route.path, {})[method.lower()] = _needs(route)
    return {"paths": paths}


def _needs(route: Operation) -> dict[str, Any]:
    sealed = {SEALED_SCOPES_KEY: sorted(route.sealed_scopes)} if route.sealed_scopes else {}
    upload = {UPLOAD_KEY: route.upload_limit} if route.upload_limit else {}
    body = {BODY_KEY: route.body_limit} if route.body_limit != BODY_LIMIT else {}
    guest = {GUEST_KEY: True} if route.guest else {}
    return {SCOPE_KEY: route.needed_scope, **sealed, **upload, **body, **guest}


def _complete(method: str, operation: dict[str, Any]) -> None:
    answer = {
        "description": "Refused: a problem document (RFC 9457).",
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    responses = operation["responses"]
    responses.pop("422", None)
    responses["4XX"] = answer
    responses["503"] = answer | {"description": "Something this answer needs is away; try again."}
    scope = operation[SCOPE_KEY]
    operation["security"] = [{"client": [scope]}, {"api_key": []}]
    if method in ("post", "patch", "put"):
        operation.setdefault("parameters", []).append(IDEMPOTENCY_HEADER)
    if WAITS_KEY in operation:
        told = (
            f"`wait=N` holds an empty first page back until there is something for this `{operation[WAITS_KEY]}`, "
            f"{MOST_SECONDS} seconds at most (RFC 7240)."
        )
        operation["parameters"].append(PREFER_HEADER | {"description": told})
        responses["200"]["headers"] = {"Preference-Applied": PREFERENCE_APPLIED_HEADER}


def add_openapi(app: ServiceApp) -> None:
    """Serve the document, and render what the framework itself refuses as problem documents."""
    cached: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not cached:
            cached.update(document_of(app))
        return cached

    app.openapi = openapi  # type: ignore[method-assign]

    async def show(_: Request) -> Response:
        document = cached or await asyncio.to_thread(openapi)  # the first time it takes long
        return Response(orjson.dumps(document), media_type="application/json")

    async def show_operations(_: Request) -> Response:
        return Response(orjson.dumps(operations_of(app)), media_type="application/json")

    async def refuse(request: Request, error: Exception) -> Response:
        trace_id = telemetry.trace_id(request.headers.get("traceparent", "")) or telemetry.trace_id(
            telemetry.new_traceparent()
        )
        if isinstance(error, RequestValidationError):
            return problems.problem(problems.validation_fault(error), trace_id=trace_id)
        assert isinstance(error, HTTPException)
        response = problems.problem(problems.http_fault(error), trace_id=trace_id)
        for name, value in (error.headers or {}).items():
            response.headers[name] = value
        return response

    app.add_route("/openapi.json", show, include_in_schema=False)
    app.add_route("/operations.json", show_operations, include_in_schema=False)
    app.add_exception_handler(HTTPException, refuse)
    app.add_exception_handler(RequestValidationError, refuse)
