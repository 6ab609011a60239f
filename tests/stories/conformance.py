"""Calls made of the OpenAPI document, against the whole gateway in this process, and what must hold for each answer.

Hypothesis is synchronous and the suite lives in one event loop, so a generating thread hands each request over
to the loop. Generated references (a customer, a SKU, an invoice) are mostly replaced by existing ones: else
every call would end at "not found".
"""

import asyncio
import copy
import random
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.routes.merged_openapi import merged
from gateway.service import SERVICE as GATEWAY
from services.all import SERVICES
from tests.kit.suite import when_made

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
PAPERS = ("/pdf", "/xml", "/pick-list", "/delivery-note")
REFUSALS = ("400", "401", "404", "405", "409", "412", "413", "415", "422", "428")
DOCUMENT = merged({service.name: service.app().openapi() for service in (*SERVICES, GATEWAY)})


def _as_signed_in(document: dict[str, Any]) -> dict[str, Any]:
    """The document without what says who calls: each call comes from a caller who may do it."""
    document = copy.deepcopy(document)
    document["components"].pop("securitySchemes")
    for operation in (o for path in document["paths"].values() for o in path.values()):
        operation.pop("security", None)
        parameters = operation.get("parameters", [])
        operation["parameters"] = [p for p in parameters if p["name"] != "Backoffice-Tenant"]
    document.pop("security", None)
    return document


SCHEMA = schemathesis.openapi.from_dict(_as_signed_in(DOCUMENT))
SCHEMA.config.checks.negative_data_rejection.expected_statuses = list(REFUSALS)
OPERATIONS = {result.ok().label: result.ok() for result in SCHEMA.get_all_operations()}
# Headers whose every value is of the right form.
NEVER_WRONG = frozenset({"if-match", "backoffice-tenant", "idempotency-key", "prefer"})
CALLS = [
    (label, mode)
    for label, operation in sorted(OPERATIONS.items())
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE
    or operation.body
    or {parameter.name.lower() for parameter in operation.iter_parameters()} - NEVER_WRONG
]
"""Each operation as it should be called and, where it takes anything that can be wrong, as it should not."""


@dataclass
class Ground:
    """What the calls may refer to, and who makes them."""

    loop: asyncio.AbstractEventLoop
    caller: httpx.AsyncClient
    operator: httpx.AsyncClient
    ids: dict[str, list[str]]
    """By name of parameter or field: what exists."""
    paths: dict[str, list[dict[str, str]]]
    """By path, where one id belongs to another: those that belong together."""

    def path_parameters(self, operation: APIOperation) -> list[dict[str, str]]:
        """Ids for a path; empty when nothing is known that it could mean."""
        if operation.path in self.paths:
            return self.paths[operation.path]
        names = [parameter.name for parameter in operation.path_parameters]
        if len(names) != 1 or not self.ids.get(names[0]):
            return []
        return [{names[0]: one} for one in self.ids[names[0]]]


ALTERNATIVES = {"debit": ["credit"], "delta": ["set_to", "expected"], "advance_seconds": ["advance_to"]}


def likely(value: Any, ground: Ground, dice: random.Random, name: str = "") -> Any:
    """The same body, but such as the rules beyond its schema may accept: what it refers to exists, money is of the
    company's currency, texts are printable, of two alternatives there is one."""
    if isinstance(value, list):
        return [likely(item, ground, dice, name) for item in value]
    if isinstance(value, dict):
        return _likely_fields(value, ground, dice)
    if isinstance(value, float):
        return int(value)
    if not isinstance(value, str):
        return value
    if name == "currency":
        return "GBP"
    if ground.ids.get(name) and dice.random() < 0.9:
        return dice.choice(ground.ids[name])
    return _printable(value)


def _printable(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable()).strip() or "x"


def _likely_fields(value: dict[str, Any], ground: Ground, dice: random.Random) -> dict[str, Any]:
    if value.keys() == {"amount", "currency"}:
        return {"amount": f"{dice.randint(0, 10**4) / 100:.2f}", "currency": "GBP"}
    kept = {_printable(name): likely(item, ground, dice, name) for name, item in value.items()}
    for name, others in ALTERNATIVES.items():
        if kept.get(name) is not None:
            kept = {field: item for field, item in kept.items() if field not in others}
    return kept


def make_likely(case: schemathesis.Case, ground: Ground, number: int) -> None:
    """Have a call get past the first check, in nine of ten cases."""
    dice = random.Random(number)
    if dice.random() < 0.1:
        return
    case.body = likely(case.body, ground, dice)
    case.query = {name: value for name, value in (case.query or {}).items() if name != "cursor"}
    for name in list(case.headers or {}):
        if name.lower() in ("idempotency-key", "if-match"):
            del case.headers[name]


def check_operation(
    label: str, ground: Ground, mode: GenerationMode, *, examples: int, chance: int = 0
) -> None:
    """Call one operation with generated data, and check each answer against the document."""
    operation = OPERATIONS[label]
    positive = mode is GenerationMode.POSITIVE
    # What is written into a form is text, whatever it was before: nothing in it is of a wrong type.
    form = any(body.media_type == "multipart/form-data" for body in operation.body)
    checks = CHECKS if positive or form else [*CHECKS, negative_data_rejection]
    known = ground.path_parameters(operation)
    if positive and known:
        cases = st.sampled_from(known).flatmap(lambda path: operation.as_strategy(mode, path_parameters=path))
    else:
        cases = operation.as_strategy(mode)

    @seed(chance)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=chance == 0,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, number=st.integers(0, 10**9))
    def call(case: schemathesis.Case, number: int) -> None:
        if positive:
            make_likely(case, ground, number)
        response = asyncio.run_coroutine_threadsafe(_send(case, ground, positive), ground.loop).result(60)
        case.validate_response(response, checks=checks)

    call()


async def _send(case: schemathesis.Case, ground: Ground, positive: bool) -> Response:
    client = ground.operator if case.path.startswith("/v1/tenants") else ground.caller
    prepared = requests.Request(**case.as_transport_kwargs(base_url="http://gateway")).prepare()
    headers = dict(prepared.headers)
    if positive and case.method == "PATCH" and "if-match" not in {name.lower() for name in headers}:
        found = await client.get(str(prepared.url))
        headers["If-Match"] = found.headers.get("etag", "1")
    body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
    ask = partial(client.request, case.method, str(prepared.url), headers=headers, content=body)
    answer = await (when_made(ask) if case.path.endswith(PAPERS) else ask())
    return Response(
        status_code=answer.status_code,
        headers={name.lower(): answer.headers.get_list(name) for name in answer.headers},
        content=answer.content,
        request=prepared,
        elapsed=0.0,
        verify=False,
        http_version="1.1",
    )
