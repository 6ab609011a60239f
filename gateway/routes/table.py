"""The route table: which service owns a path, which methods it takes. Built from what services tell."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from shared.http.router import BODY_KEY, BODY_LIMIT, GUEST_KEY, SCOPE_KEY, SEALED_SCOPES_KEY, UPLOAD_KEY
from shared.values.faults import Fault, NotFound

METHODS = frozenset(("get", "put", "post", "delete", "patch", "head", "options"))
BASE = "/v1"


class RouteClash(ValueError):  # noqa: N818 - names the state of affairs
    """Two services claim one resource name: the suite must not start like that."""


class MethodNotAllowed(Fault):
    """The resource exists but does not take this method (405 with Allow)."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    code = "method_not_allowed"

    def __init__(self, method: str, allowed: list[str]) -> None:
        super().__init__(f"This resource does not take {method}.", allowed_methods=allowed)
        self._allow = ", ".join(allowed)

    @property
    def headers(self) -> dict[str, str]:
        return {"Allow": self._allow}


@dataclass(frozen=True, slots=True)
class Route:
    """One path template of one service; of each method how many bytes a body has at most, and which take files."""

    service: str
    template: str
    resource: str
    body_limits: Mapping[str, int]
    uploads: frozenset[str]

    @property
    def methods(self) -> Set[str]:
        """What may be done with it."""
        return self.body_limits.keys()


@dataclass(slots=True)
class _Node:
    """A path segment; literal children win over the parameter."""

    literal: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    route: Route | None = None


class RouteTable:
    """Finds the route of a path in as many dictionary look-ups as it has segments."""

    def __init__(self, documents: Mapping[str, Mapping[str, Any]]) -> None:
        """Take each service's operations, or its OpenAPI document, which has them in the same place."""
        self._root = _Node()
        self._fixed: dict[str, Route] = {}
        self._owners: dict[str, str] = {}
        self.scopes: frozenset[str] = frozenset()
        scopes = set()
        for service, document in documents.items():
            for template, found in document.get("paths", {}).items():
                operations = {method.upper(): o for method, o in found.items() if method in METHODS}
                self._add(service, template, operations)
                scopes |= {o[SCOPE_KEY] for o in operations.values() if SCOPE_KEY in o}
                scopes |= {scope for o in operations.values() for scope in o.get(SEALED_SCOPES_KEY, ())}
        self.scopes = frozenset(scopes)

    @property
    def owners(self) -> Mapping[str, str]:
        """Which service owns which resource name; guests below it, which other services declare, own nothing."""
        return self._owners

    def find(self, method: str, path: str) -> Route:
        """The route of a request; refuses unknown paths (404) and methods (405)."""
        fixed = self._fixed.get(path)  # templates without a parameter: no need to walk the tree
        if fixed is not None and method in fixed.methods:
            return fixed
        allowed: set[str] = set()
        for route in self._matching(path):
            if method in route.methods:
                return route
            allowed |= route.methods
        if allowed:
            raise MethodNotAllowed(method, sorted(allowed))
        raise NotFound("resource at", path[:200])

    def _add(self, service: str, template: str, operations: Mapping[str, Mapping[str, Any]]) -> None:
        segments = template.split("/")[1:]
        if len(segments) < 2 or f"/{segments[0]}" != BASE or not segments[1] or segments[1].startswith("{"):
            raise RouteClash(f"{service}: {template} is not {BASE}/<resource>/…")
        if not all(GUEST_KEY in operation for operation in operations.values()):
            owner = self._owners.setdefault(segments[1], service)
            if owner != service:
                raise RouteClash(f"{owner} and {service} both claim {BASE}/{segments[1]}")
        node = self._root
        for segment in segments:
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literal.setdefault(segment, _Node())
        limits = {m: int(o.get(UPLOAD_KEY) or o.get(BODY_KEY) or BODY_LIMIT) for m, o in operations.items()}
        uploads = frozenset(method for method, operation in operations.items() if UPLOAD_KEY in operation)
        if node.route is not None:
            if node.route.service != service:
                raise RouteClash(f"{node.route.service} and {service} both declare {template}")
            limits, uploads = {**node.route.body_limits, **limits}, node.route.uploads | uploads
        node.route = Route(service, template, segments[1], limits, uploads)
        if "{" not in template:
            self._fixed[template] = node.route

    def _matching(self, path: str) -> Iterator[Route]:
        segments = path.split("/")[1:]
        if "" in segments:
            return
        waiting: list[tuple[_Node, int]] = [(self._root, 0)]
        while waiting:
            node, depth = waiting.pop()
            if depth == len(segments):
                if node.route is not None:
                    yield node.route
                continue
            if node.parameter is not None:
                waiting.append((node.parameter, depth + 1))
            literal = node.literal.get(segments[depth])
            if literal is not None:
                waiting.append((literal, depth + 1))
