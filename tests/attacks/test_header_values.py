"""Whatever stands in a header, a path or a field, reading it takes time that grows with its length and no faster.

60 KB of escaped quotes in `Prefer` once froze a service for seven seconds, the same in `Cookie` for six.
"""

import ast
import importlib
import itertools
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from io import StringIO
from typing import Annotated, Any

import pytest
from joserfc.jwk import KeySet
from pydantic import TypeAdapter
from starlette.requests import Request

from gateway.door.inbound import Inbound
from gateway.identity import access_tokens, scopes
from gateway.identity.addresses import Addresses
from gateway.routes.table import RouteTable
from gateway.service import SERVICE as GATEWAY
from services.all import SERVICES
from services.orders.imports.rules.headers import found_delimiter
from services.orders.imports.rules.heads import reference
from services.orders.imports.rules.lines import lines_of
from services.orders.imports.rules.model import Code, RefusedRow
from services.orders.imports.rules.numbers import read_number
from shared.base import telemetry
from shared.blobs.uploads import printable
from shared.http import idempotency, paths
from shared.http.downloads import attachment
from shared.http.multipart import MultipartReader, boundary_of
from shared.http.openapi import operations_of
from shared.http.router import Operation
from shared.http.waiting import seconds_preferred
from shared.httpserver import headers, heads
from shared.values.masked import MASKS, models_in
from shared.values.money import Money
from tests.architecture.source import File, files
from tests.attacks.bystander import Company, Target, under_way
from tests.attacks.hostile import STEEPEST, steep_shape
from tests.attacks.wire import cpu_seconds, said
from tests.orders.imports.given_files import CSV

METHODS = ("match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer")
FILES = files("shared", "gateway", "services")
OPERATIONS = [
    route
    for service in (*SERVICES, GATEWAY)
    for router in service.routers()
    for route in router.routes
    if isinstance(route, Operation)
]


def run(coroutine: Coroutine[Any, Any, object]) -> object:
    """Run what waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as ended:
        return ended.value
    raise AssertionError("it waits for something")


def request_with(**values: str) -> Request:
    found = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in values.items()]
    return Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": found})


async def form(head: bytes) -> object:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"--b\r\n" + head + b"\r\n\r\ntext\r\n--b--\r\n"

    return await MultipartReader(pieces(), b"b").next_part()


def raw(text: str) -> bytes:
    return text.encode("latin-1")


TABLE = RouteTable({service.name: operations_of(service.app()) for service in (*SERVICES, GATEWAY)})
ADDRESSES = Addresses("10.0.0.0/8, 127.0.0.1")
PARSERS: dict[str, Callable[[str], object]] = {
    "preferences": lambda text: seconds_preferred([text]),
    "preferences of several headers": lambda text: seconds_preferred(text.split(" ")),
    "a form's boundary": lambda text: boundary_of(f"multipart/form-data; boundary={text}"),
    "a media type": boundary_of,
    "a part's disposition": lambda text: run(form(b"content-disposition: form-data; name=" + raw(text))),
    "a part's header": lambda text: run(form(raw(text))),
    "a path": lambda text: paths.doubt_about(raw("/v1/" + text)),
    "a target": lambda text: heads.target(raw("/v1/" + text)),
    "a route": lambda text: TABLE.find("GET", "/v1/" + text),
    "a fixed route": lambda text: TABLE.find("GET", "/v1/orders/" + text),
    "a header's name": lambda text: headers.strip_inbound([(raw(text), b"")]),
    "the headers of a request": lambda text: Inbound([(b"authorization", raw(text)), (b"prefer", raw(text))]),
    "Connection": lambda text: headers.nominated([(b"connection", raw(text))]),
    "Content-Length": lambda text: headers.framing_error([(b"content-length", raw(text))]),
    "Transfer-Encoding": lambda text: headers.framing_error([(b"transfer-encoding", raw(text))]),
    "Idempotency-Key": lambda text: idempotency.key_of(request_with(idempotency_key=text)),
    "X-Forwarded-For": lambda text: ADDRESSES.of(
        {"client": ("127.0.0.1", 1), "headers": [(b"x-forwarded-for", raw(text))]}
    ),
    "an access token": lambda text: access_tokens.read(raw(text), KeySet([])),
    "scopes asked for": lambda text: scopes.narrowed(text.split(), frozenset("*"), frozenset()),
    "traceparent": lambda text: telemetry.continued(text),
    "a file's name": attachment,
    "what a sender says of a file": printable,
    "money": lambda text: Money.parse(text, "EUR"),
    "a number of a file": lambda text: read_number("n", text, ",", RefusedRow(Code.PRICE, "")),
    "a reference of a file": lambda text: reference("r", text),
    "the delimiter of a file": lambda text: found_delimiter(lines_of(StringIO(text)), CSV),
    **{f"masked {kind}": mask for kind, mask in MASKS.items()},
}


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_reads_hostile_texts_in_linear_time(name: str):
    assert steep_shape(PARSERS[name], latin=True) is None


def is_regex_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in {f"re.{m}" for m in (*METHODS, "compile")}


def compiled_at_the_top(file: File) -> Iterator[str]:
    for node in file.tree.body:
        value = getattr(node, "value", None)
        if value is not None and is_regex_call(value) and isinstance(node, ast.Assign | ast.AnnAssign):
            yield ast.unparse(node.target if isinstance(node, ast.AnnAssign) else node.targets[0])


def expressions() -> dict[str, re.Pattern[Any]]:
    """Every regular expression of ours, by module and name."""
    return {
        f"{file.module}:{name}": getattr(importlib.import_module(file.module), name)
        for file in FILES
        for name in compiled_at_the_top(file)
    }


EXPRESSIONS = expressions()
USED = {
    (
        node.func.value.attr if isinstance(node.func.value, ast.Attribute) else node.func.value.id,
        node.func.attr,
    )
    for file in FILES
    for node in ast.walk(file.tree)
    if isinstance(node, ast.Call)
    and isinstance(node.func, ast.Attribute)
    and isinstance(node.func.value, ast.Name | ast.Attribute)
    and node.func.attr in METHODS
}


def test_every_regular_expression_stands_at_the_top_of_its_module_where_it_is_found_and_tried():
    hidden = [
        f"{file.name}:{node.lineno}"
        for file in FILES
        for node in ast.walk(file.tree)
        if is_regex_call(node)
        and not any(
            node is getattr(statement, "value", None) and ast.unparse(node.func) == "re.compile"
            for statement in file.tree.body
        )
    ]

    assert hidden == []
    assert len(EXPRESSIONS) > 10


@pytest.mark.parametrize("place", EXPRESSIONS)
def test_a_regular_expression_reads_hostile_texts_in_linear_time(place: str):
    """By the methods it is used with; one that is handed on is tried with all that look for something."""
    expression = EXPRESSIONS[place]
    name = place.rpartition(":")[2]
    used = {method for found, method in USED if found == name} or {"match", "fullmatch", "search"}
    for method in used:
        replacement = ("",) if isinstance(expression.pattern, str) else (b"",)
        more = replacement if method in ("sub", "subn") else ()

        def read(text: str, method: str = method, more: tuple[object, ...] = more) -> object:
            given = text if isinstance(expression.pattern, str) else raw(text)
            found = getattr(expression, method)(*more, given)
            return list(found) if method == "finditer" else found

        assert steep_shape(read, latin=not isinstance(expression.pattern, str)) is None, method


def fields() -> dict[str, TypeAdapter[Any]]:
    """Every field that a caller may fill: of bodies at any depth, of paths, queries and headers."""
    found: dict[str, TypeAdapter[Any]] = {}
    for route in OPERATIONS:
        below = [*route.dependant.dependencies, route.dependant]
        for part in (each for d in below for each in (*d.path_params, *d.query_params, *d.header_params)):
            found[f"{part.name}: {part.field_info!r}"] = part._type_adapter
    models = {
        model
        for route in OPERATIONS
        for body in route.dependant.body_params
        for model in models_in(body.field_info.annotation)
    }
    for model in models:
        for name, field in model.model_fields.items():
            if not models_in(field.annotation):
                kind = Annotated[(field.annotation, *field.metadata, None)]
                found[f"{model.__name__}.{name}"] = TypeAdapter(kind)
    return found


FIELDS = fields()


def test_the_fields_that_callers_fill_are_found():
    assert len(FIELDS) > 100
    assert {"BankAccountIn.iban", "CustomerIn.email", "TenantIn.time_zone", "OrderLineIn.quantity"} <= set(
        FIELDS
    )


def test_a_field_reads_hostile_texts_in_linear_time():
    steep = {
        name: shape
        for name, adapter in FIELDS.items()
        if (shape := steep_shape(lambda text, adapter=adapter: adapter.validate_python(text)))
    }

    assert steep == {}


# Sent as they are to a deployment; a value may hold no control character, else the server refuses it at once.
SENT = ('\\"', '"', ';"', '="', "a=", ",", "a,", "0", "%25", "\\", "a.", "wait=")
HEADERS = (
    "prefer", "cookie", "content-type", "idempotency-key", "if-match", "if-none-match", "traceparent", "tracestate",
    "accept", "accept-encoding", "x-forwarded-for", "x-request-id", "connection", "forwarded", "x-anything",
)  # fmt: skip
BEARERS = ("Bearer ", "Basic ", "Bearer bo_live_", "")
NOISE = 0.3  # seconds of CPU that a deployment may take meanwhile by itself, several times over
LISTS = (
    "/v1/invoices?order_id=00000000-0000-7000-8000-000000000000",
    "/v1/orders?limit=0",
)  # one refused by FastAPI
SIZES = (15_000, 60_000)


async def sent(target: Target, company: Company, name: str, size: int) -> float:
    """CPU time (s) the deployment takes for every shape of that size in a header (or the query `?name=`)."""
    began = cpu_seconds(target)
    for unit in SENT:
        value = (unit * size)[:size]
        bearer = b"authorization: Bearer " + company.bearer.encode()
        lines = [bearer, f"{name}: a={value}".encode(), f"{name}-more: {value[:10]}".encode()]
        if name == "cookie":
            lines[1] = f'cookie: a="{value}"'.encode()
        for path in LISTS:
            answer = await said(target.port, "GET", path, *lines)
            assert answer.status < 500, answer.body
    return cpu_seconds(target) - began


async def refused(target: Target, size: int) -> float:
    """The same for credentials, at a resource and at the token endpoint."""
    began = cpu_seconds(target)
    for unit, scheme in itertools.product(SENT, BEARERS):
        line = f"authorization: {scheme}{(unit * size)[:size]}".encode()
        for method, path in (("GET", "/v1/orders"), ("POST", "/oauth/token")):
            answer = await said(target.port, method, path, line, b"content-length: 0")
            assert answer.status in (400, 401, 429), answer.body
    return cpu_seconds(target) - began


@pytest.mark.parametrize("name", HEADERS)
async def test_a_deployment_reads_hostile_headers_in_linear_time(target: Target, name: str):
    company = await target.company()

    small, large = [await sent(target, company, name, size) for size in SIZES]

    assert large <= STEEPEST * max(small, NOISE)


async def test_a_deployment_reads_hostile_credentials_in_linear_time(target: Target):
    small, large = [await refused(target, size) for size in SIZES]

    assert large <= STEEPEST * max(small, NOISE)


async def test_bystanders_are_served_while_hostile_headers_come_one_after_the_other(target: Target):
    attacker, bystander = await target.company(), await target.company()

    async def attack() -> None:
        for name in itertools.cycle(("prefer", "cookie")):
            await sent(target, attacker, name, SIZES[1])

    async with under_way(attack()) as going:
        await bystander.is_served(times=20)
        await bystander.is_served(times=20, path="/v1/invoices?limit=5")
        assert going.runs()
