"""Calls made of the OpenAPI document, against the whole gateway in this process, and what must hold for each answer.

Hypothesis is synchronous and the suite lives in one event loop, so a generating thread hands each request over
to the loop. Generated references (a customer, a SKU, an invoice) are mostly replaced by existing ones: else
every call would end at "not found".
"""

import asyncio
import copy
import random
from dataclasses import dataclass
from typing import Any

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.merged_openapi import merged
from gateway.service import SERVICE as GATEWAY
from services.all import SERVICES

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
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
CALLS = [
    (label, mode)
    for label, operation in sorted(OPERATIONS.items())
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or list(operation.iter_parameters()) or operation.body
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


def replace_references(value: Any, ground: Ground, dice: random.Random) -> Any:
    """The same body, referring to what exists in nine cases of ten."""
    if isinstance(value, list):
        return [replace_references(item, ground, dice) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: dice.choice(ground.ids[name])
        if isinstance(item, str) and ground.ids.get(name) and dice.random() < 0.9
        else replace_references(item, ground, dice)
        for name, item in value.items()
    }


def check_operation(
    label: str, ground: Ground, mode: GenerationMode, *, examples: int, chance: int = 0
) -> None:
    """Call one operation with generated data, and check each answer against the document."""
    operation = OPERATIONS[label]
    checks = CHECKS if mode is GenerationMode.POSITIVE else [*CHECKS, negative_data_rejection]
    positive = mode is GenerationMode.POSITIVE
    known = {
        parameter.name: ground.ids[parameter.name]
        for parameter in operation.path_parameters
        if ground.ids.get(parameter.name)
    }
    if positive and known:
        paths = st.fixed_dictionaries({name: st.sampled_from(found) for name, found in known.items()})
        cases = paths.flatmap(lambda path: operation.as_strategy(mode, path_parameters=path))
    else:
        cases = operation.as_strategy(mode)

    @seed(chance)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=chance == 0,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def call(case: schemathesis.Case) -> None:
        if positive:
            dice = random.Random(repr(case.body))
            case.body = replace_references(case.body, ground, dice)
        response = asyncio.run_coroutine_threadsafe(_send(case, ground, positive), ground.loop).result(60)
        case.validate_response(response, checks=checks)

    call()


async def _send(case: schemathesis.Case, ground: Ground, positive: bool) -> Response:
    client = ground.operator if case.path.startswith("/v1/tenants") else ground.caller
    prepared = requests.Request(**case.as_transport_kwargs(base_url="http://gateway")).prepare()
    headers = dict(prepared.headers)
    if positive and case.method == "PATCH":
        found = await client.get(str(prepared.url))
        headers["If-Match"] = found.headers.get("etag", "1")
    body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
    request = client.build_request(case.method, str(prepared.url), headers=headers, content=body)
    answer = await client.send(request)
    return Response(
        status_code=answer.status_code,
        headers={name.lower(): answer.headers.get_list(name) for name in answer.headers},
        content=answer.content,
        request=prepared,
        elapsed=0.0,
        verify=False,
        http_version="1.1",
    )
