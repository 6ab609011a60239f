"""One OpenAPI 3.1 document of all services. Equal schemas are shared, different ones of one name get prefixes.

Ours have no name in common that means different things (`tests/architecture/test_openapi.py`), so that a further
service renames nobody's. Prefixes are for services that are deployed with others than they were tested with. A
schema's title is its name: generators of clients name their types by it, and leave one of two out.
"""

import copy
from collections.abc import Mapping
from typing import Any

from gateway.routes.table import METHODS, RouteClash

Document = dict[str, Any]
SCHEMAS = "#/components/schemas/"
DESCRIPTION = """\
Back offices for client companies: orders, billing, payroll, people, requests.

Get a token from `POST /oauth/token` with your client id and secret, or use an API key, and send it as
`Authorization: Bearer …`. Operators name the tenant they act for in `Backoffice-Tenant`. Refusals are problem
documents (RFC 9457); POST and PATCH accept an `Idempotency-Key`; changes need `If-Match`.
"""
TENANT_HEADER = {
    "name": "Backoffice-Tenant",
    "in": "header",
    "required": False,
    "description": "Operators only: the tenant to act for.",
    "schema": {"type": "string", "format": "uuid"},
}
TOKEN_OPERATION: Document = {
    "post": {
        "tags": ["Access"],
        "summary": "Issue Token",
        "description": "Client credentials for an access token (RFC 6749 section 4.4).",
        "operationId": "issue_token",
        "security": [],
        "requestBody": {
            "required": True,
            "content": {"application/x-www-form-urlencoded": {"schema": {"$ref": SCHEMAS + "TokenRequest"}}},
        },
        "responses": {
            "200": {
                "description": "The token.",
                "content": {"application/json": {"schema": {"$ref": SCHEMAS + "Token"}}},
            },
            "400": {
                "description": "Not a request for a token, or one that the client may not make.",
                "content": {"application/json": {"schema": {"$ref": SCHEMAS + "OAuthError"}}},
            },
            "401": {
                "description": "Unknown client or wrong secret.",
                "content": {"application/json": {"schema": {"$ref": SCHEMAS + "OAuthError"}}},
            },
        },
    }
}
TOKEN_SCHEMAS: Document = {
    "TokenRequest": {
        "title": "TokenRequest",
        "type": "object",
        "required": ["grant_type"],
        "description": "The client authenticates by HTTP Basic, or with client_id and client_secret here.",
        "properties": {
            "grant_type": {"type": "string", "enum": ["client_credentials"]},
            "client_id": {"type": "string"},
            "client_secret": {"type": "string"},
            "scope": {"type": "string", "description": "Some of the client's scopes, separated by blanks."},
        },
    },
    "Token": {
        "title": "Token",
        "type": "object",
        "required": ["access_token", "token_type", "expires_in", "scope"],
        "properties": {
            "access_token": {"type": "string"},
            "token_type": {"type": "string"},
            "expires_in": {"type": "integer"},
            "scope": {"type": "string"},
        },
    },
    "OAuthError": {
        "title": "OAuthError",
        "type": "object",
        "required": ["error"],
        "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
    },
}


def merged(documents: Mapping[str, Mapping[str, Any]], *, version: str = "1") -> Document:
    """The public document; refuses two services with one path."""
    own: dict[str, Document] = {service: copy.deepcopy(dict(d)) for service, d in documents.items()}
    clashing = _clashing(own)
    paths: Document = {"/oauth/token": copy.deepcopy(TOKEN_OPERATION)}
    schemas: Document = copy.deepcopy(TOKEN_SCHEMAS)
    tags: list[Document] = [{"name": "Access", "description": "Tokens.", "x-service": "gateway"}]
    flow_scopes: dict[str, str] = {}
    for service, document in own.items():
        names = {name: f"{service.title()}{name}" for name in clashing}
        _rename(document, names)
        for name, schema in document.get("components", {}).get("schemas", {}).items():
            schemas[names.get(name, name)] = schema | {"title": names.get(name, name)}
        for path, operations in document.get("paths", {}).items():
            if path in paths:
                raise RouteClash(f"{service} declares {path}, which another service has")
            paths[path] = operations
            _complete(operations, service, tags)
        flow_scopes |= _flow_scopes(document)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Backoffice", "version": version, "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": paths,
        "components": {"schemas": dict(sorted(schemas.items())), "securitySchemes": _security(flow_scopes)},
    }


def _clashing(documents: Mapping[str, Document]) -> set[str]:
    """Schema names under which services mean different things, directly or through what they refer to."""
    seen: dict[str, Any] = dict(TOKEN_SCHEMAS)
    users: dict[str, set[str]] = {}
    clashing: set[str] = set()
    for document in documents.values():
        for name, schema in document.get("components", {}).get("schemas", {}).items():
            if seen.setdefault(name, schema) != schema:
                clashing.add(name)
            for reference in _references(schema):
                users.setdefault(reference, set()).add(name)
    waiting = list(clashing)
    while waiting:
        for user in users.get(waiting.pop(), set()) - clashing:
            clashing.add(user)
            waiting.append(user)
    return clashing


def _references(part: object) -> set[str]:
    if isinstance(part, dict):
        found = {part["$ref"].removeprefix(SCHEMAS)} if isinstance(part.get("$ref"), str) else set()
        return found.union(*(_references(value) for value in part.values()))
    if isinstance(part, list):
        return set().union(*(_references(value) for value in part))
    return set()


def _rename(part: object, names: Mapping[str, str]) -> None:
    """Let all references of a service's document follow its renamed schemas."""
    if isinstance(part, dict):
        reference = part.get("$ref")
        if isinstance(reference, str):
            name = reference.removeprefix(SCHEMAS)
            part["$ref"] = SCHEMAS + names.get(name, name)
        for value in part.values():
            _rename(value, names)
    elif isinstance(part, list):
        for value in part:
            _rename(value, names)


def _complete(operations: Document, service: str, tags: list[Document]) -> None:
    for method, operation in operations.items():
        if method not in METHODS:
            continue
        operation["x-service"] = service
        operation.setdefault("parameters", []).append(TENANT_HEADER)
        for tag in operation.get("tags", []):
            if all(known["name"] != tag for known in tags):
                tags.append({"name": tag, "x-service": service})


def _flow_scopes(document: Document) -> dict[str, str]:
    schemes = document.get("components", {}).get("securitySchemes", {})
    scopes: dict[str, str] = (
        schemes.get("client", {}).get("flows", {}).get("clientCredentials", {}).get("scopes", {})
    )
    return scopes


def _security(scopes: dict[str, str]) -> Document:
    flow = {"tokenUrl": "/oauth/token", "scopes": dict(sorted(scopes.items()))}
    return {
        "client": {"type": "oauth2", "flows": {"clientCredentials": flow}},
        "api_key": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key (`bo_live_…`, `bo_test_…`).",
        },
    }
