"""The merged OpenAPI document: valid, and such that clients can be generated of it."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.routes.merged_openapi import merged
from gateway.routes.table import METHODS
from gateway.service import SERVICE as GATEWAY
from services.all import SERVICES

APIS = {service.name: service.app().openapi() for service in (*SERVICES, GATEWAY)}
DOCUMENT = merged(APIS)
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method in METHODS
}


def parts(part: object, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of a document with the place where it stands."""
    if isinstance(part, dict):
        yield place, part
        for name, value in part.items():
            yield from parts(value, f"{place}/{name}")
    elif isinstance(part, list):
        for n, value in enumerate(part):
            yield from parts(value, f"{place}/{n}")


def test_it_is_valid_openapi():
    assert [str(error) for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_a_name_means_one_thing_in_all_services():
    """Else both get a prefix, and a client's types change their names when a service is added: name yours otherwise."""
    shapes: dict[str, dict[str, str]] = {}
    for service, document in APIS.items():
        for name, schema in document["components"]["schemas"].items():
            shapes.setdefault(name, {})[service] = json.dumps(schema, sort_keys=True)

    assert {name: list(found) for name, found in shapes.items() if len(set(found.values())) > 1} == {}


def test_a_schemas_title_is_its_name_and_no_other_has_it():
    assert {
        name: schema.get("title") for name, schema in SCHEMAS.items() if schema.get("title") != name
    } == {}
    assert [name for name in SCHEMAS if not name.isidentifier()] == []


def test_what_is_a_schema_of_its_own_is_written_out_nowhere_else():
    copies = [
        place for place, part in parts(DOCUMENT["paths"] | SCHEMAS)
        if "properties" in part and isinstance(part.get("title"), str)
        and part["title"] in SCHEMAS and place != f"/{part['title']}"
    ]  # fmt: skip

    assert copies == []


def test_every_default_is_acceptable_itself():
    components = {"components": DOCUMENT["components"]}  # what a part refers to
    wrong = {
        place: [error.message for error in found]
        for place, part in parts(DOCUMENT)
        if "default" in part
        and not place.endswith(("/properties", "/mapping"))
        and (found := list(Draft202012Validator(components | part).iter_errors(part["default"])))
    }

    assert wrong == {}


@pytest.mark.parametrize("label", OPERATIONS)
def test_an_operation_says_what_a_client_needs_to_know(label: str):
    operation = OPERATIONS[label]
    answers = operation["responses"]
    good = {status: answer for status, answer in answers.items() if status.startswith("2")}
    refused = [a for status, a in answers.items() if status.startswith(("4", "5"))]

    assert operation["operationId"].isidentifier()
    assert operation["summary"]
    assert operation["description"]
    assert len(operation["tags"]) == 1
    assert good
    assert all("content" in answer for status, answer in good.items() if status != "204")
    assert len(refused) >= 2
    for answer in (*good.values(), *refused):
        assert answer["description"]
        for media in answer.get("content", {}).values():
            assert media.get("schema") is not None


def test_operations_have_names_of_their_own():
    names = Counter(operation["operationId"] for operation in OPERATIONS.values())

    assert {name for name, times in names.items() if times > 1} == set()
