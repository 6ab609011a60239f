"""Sealed columns: masked wherever they are shown, secret wherever they are taken, told in no event."""

import ast
import inspect
import re
from collections.abc import Iterator
from typing import get_args, get_origin

import pytest
from pydantic import BaseModel, Secret

from gateway.routes.table import RouteTable
from services.all import SERVICES
from shared.database.sealing import Sealed, sealed_columns
from shared.http.openapi import document_of, operations_of
from shared.http.router import SEALED_SCOPES_KEY, Operation
from shared.http.service_app import ServiceApp
from shared.service.asyncapi import event_contracts
from shared.service.manifest import Service
from shared.values.fields import WireInput
from shared.values.masked import SEALED_KEY, SEALED_SCOPE_KEY, NotMasked, masked_fields, models_in, scopes_in
from tests.architecture.source import files

SCOPE = re.compile(r"^[a-z]+(\.[a-z]+)?:read$")
SEALING = [service for service in SERVICES if sealed_columns(service.metadatas())]
NAMES = [service.name for service in SEALING]


def columns(service: Service) -> set[str]:
    return {column for names in sealed_columns(service.metadatas()).values() for column in names}


def schemas(service: Service) -> Iterator[type[BaseModel]]:
    """Every wire shape that the service's capabilities declare, and those of its routes."""
    for module in service.modules("schemas"):
        for _, model in inspect.getmembers(module, inspect.isclass):
            if issubclass(model, BaseModel) and model.__module__ == module.__name__:
                yield model
    for route in operations(service):
        yield from models_in(route.response_model)


def operations(service: Service) -> list[Operation]:
    found = [route for router in service.routers() for route in router.routes]
    return [route for route in found if isinstance(route, Operation)]


def leaves(annotation: object) -> Iterator[object]:
    """The parts of a type that hold a value: secrets as they are, models by their fields, no None."""
    if get_origin(annotation) is Secret or (isinstance(annotation, type) and issubclass(annotation, Secret)):
        yield annotation
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for field in annotation.model_fields.values():
            yield from leaves(field.annotation)
    elif parts := [part for part in get_args(annotation) if part is not type(None)]:
        for part in parts:
            yield from leaves(part)
    else:
        yield annotation


def test_there_are_sealed_columns_to_look_at():
    assert {service.name: columns(service) for service in SEALING} == {
        "billing": {"bank_account", "payment_instructions"},
        "hr": {"bank_account", "compensation", "tax_ids", "birth_date", "gender", "address"},
        "payroll": {
            "bank_account",
            "compensation",
            "tax_ids",
            "birth_date",
            "declared",
            "order_terms",
            "record",
        },
    }


@pytest.mark.parametrize("service", SEALING, ids=NAMES)
def test_a_sealed_column_is_masked_in_every_answer_that_shows_it(service: Service):
    clear = [
        f"{model.__name__}.{name}"
        for model in schemas(service)
        if not issubclass(model, WireInput)
        for name in columns(service) & model.model_fields.keys()
        if name not in masked_fields(model)
    ]

    assert clear == []


@pytest.mark.parametrize("service", SEALING, ids=NAMES)
def test_a_sealed_column_is_taken_as_a_secret_that_is_not_the_masked_form(service: Service):
    wrong = [
        f"{model.__name__}.{name}"
        for model in schemas(service)
        if issubclass(model, WireInput)
        for name in columns(service) & model.model_fields.keys()
        for leaf in leaves(model.model_fields[name].annotation)
        if leaf is not type(None) and (get_origin(leaf) is not Secret or repr(NotMasked) not in repr(leaf))
    ]

    assert wrong == []


@pytest.mark.parametrize("service", SEALING, ids=NAMES)
def test_the_document_tells_what_is_sealed_and_by_which_scope_it_is_seen(service: Service):
    document = document_of(service.app())
    scopes = document["components"]["securitySchemes"]["client"]["flows"]["clientCredentials"]["scopes"]
    for route in operations(service):
        needed = scopes_in(route.response_model)
        (method,) = route.methods
        shown = document["paths"][route.path][method.lower()]
        assert set(shown.get(SEALED_SCOPES_KEY, ())) == (needed if method == "GET" else set()), route.path
        for scope in needed:
            assert SCOPE.match(scope), scope
            assert scope != route.needed_scope, "whoever may read the rest would read this, too"
            assert scope in scopes
        for model in models_in(route.response_model):
            for name, mark in masked_fields(model).items():
                told = document["components"]["schemas"][model.__name__]["properties"][name]
                assert (told[SEALED_KEY], told[SEALED_SCOPE_KEY]) == (True, mark.scope)


@pytest.mark.parametrize("service", SEALING, ids=NAMES)
def test_the_gateway_knows_the_scopes_so_that_a_credential_for_everything_has_them(service: Service):
    app = service.app()
    assert isinstance(app, ServiceApp)
    known = RouteTable({service.name: operations_of(app)}).scopes

    assert {scope for route in operations(service) for scope in route.sealed_scopes} <= known
    assert any(route.sealed_scopes for route in operations(service))


def test_no_event_carries_a_sealed_field():
    sealed = {service.name: columns(service) for service in SEALING}
    carried = []
    for event_type, contract in event_contracts().items():
        for model in models_in(contract):
            for name, field in model.model_fields.items():
                kinds = set(leaves(field.annotation))
                if (
                    name in sealed.get(event_type.split(".")[0], ())
                    or name in masked_fields(model)
                    or kinds & {Sealed, bytes}
                    or any(get_origin(kind) is Secret for kind in kinds)
                ):
                    carried.append(f"{event_type}: {model.__name__}.{name}")

    assert carried == []


def test_sealed_values_are_revealed_in_reads_only():
    """The answer to a change is kept under its key, so it never shows them; a query is told whether it may."""
    wrong = []
    for file in files("services"):
        for function in file.functions():
            reveals = any(
                isinstance(node, ast.keyword)
                and node.arg == "reveal"
                and isinstance(node.value, ast.Constant)
                and node.value.value is True
                for node in ast.walk(function)
            )
            marks = [ast.unparse(decorator) for decorator in function.decorator_list]
            if reveals and not any(mark.startswith("router.read(") for mark in marks):
                wrong.append(f"{file.name}:{function.lineno}")

    assert wrong == []
