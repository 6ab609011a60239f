"""Texts that are compared come out composed (NFC) whatever they were sent as, in every field that a caller may fill."""

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin
from unicodedata import normalize

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from gateway.service import SERVICE as GATEWAY
from services.all import SERVICES
from services.orders.imports.schemas import ImportOptions
from shared.http.router import Operation
from shared.values.fields import LongText
from shared.values.masked import models_in

APART = normalize("NFD", "é")
FREE = set(get_args(LongText)[1:])  # marks of text that nobody compares: it stays as it was sent
# Texts that are read as something else, and what.
READ = {
    "create_order_import options": "JSON of ImportOptions, whose fields are among these",
    "cursor": "a page's place, told by us",
}


def operations() -> Iterator[Operation]:
    for service in (*SERVICES, GATEWAY):
        for router in service.routers():
            yield from (route for route in router.routes if isinstance(route, Operation))


def leaves(kind: Any, marks: tuple[Any, ...] = ()) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """The types that a type is made of, with their own marks."""
    if get_origin(kind) is Annotated:
        inner, *more = get_args(kind)
        yield from leaves(inner, (*more, *marks))
    elif get_args(kind):
        for each in get_args(kind):
            yield from leaves(each) if isinstance(each, type) or get_args(each) else ()
        if marks and any(each is str for each in get_args(kind)):
            yield str, marks  # `str | None` whose marks stand beside it
    elif isinstance(kind, type) and not issubclass(kind, BaseModel):
        yield kind, marks


def fields() -> dict[str, Any]:
    """Every parameter, and every field of a body at any depth, by its name."""
    found: dict[str, Any] = {}
    models: set[type[BaseModel]] = set(models_in(ImportOptions))
    for route in operations():
        below = [*route.dependant.dependencies, route.dependant]
        for part in (p for d in below for p in (*d.path_params, *d.query_params, *d.body_params)):
            info = part.field_info
            found[f"{route.name} {part.name}"] = Annotated[(info.annotation, *info.metadata, None)]
            models |= set(models_in(info.annotation))
    for model in models:
        for name, field in model.model_fields.items():
            found[f"{model.__name__}.{name}"] = Annotated[(field.annotation, *field.metadata, None)]
    return found


FIELDS = fields()


def comes_out(kind: Any) -> object:
    """What a text in two code points becomes; nothing where it is refused."""
    try:
        return TypeAdapter(kind).validate_python(APART)
    except ValidationError:
        return None


def test_there_are_fields_of_every_kind():
    assert {"CustomerIn.name", "list_products sku", "OrderLineIn.sku", "Address.city"} <= FIELDS.keys()


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_a_text_that_is_compared_is_composed(name: str):
    if name in READ or name.split()[-1] in READ:
        return
    for kind, marks in leaves(FIELDS[name]):
        if kind is str and not FREE & {mark for mark in marks if mark.__hash__}:
            assert comes_out(Annotated[(kind, *marks, None)]) in (None, "é"), (
                "use a type of shared.values.fields (Code, ShortText, EmailText), or LongText for what nobody compares"
            )
