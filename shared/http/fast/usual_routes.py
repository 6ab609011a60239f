"""Which routes of FastAPI's are of the usual kind, every part of which `shared.http.fast.direct_call` knows."""

import inspect

from fastapi._compat import ModelField, field_annotation_is_sequence, lenient_issubclass
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.params import Form
from fastapi.routing import APIRoute
from pydantic import BaseModel

from shared.http.parameters import below


def is_usual(route: APIRoute) -> bool:
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
        and all(_is_plain(each) and not each.body_params for each in below(dependant))
        and _each_once(dependant)
    )


def _each_once(dependant: Dependant) -> bool:
    """FastAPI calls a dependency once however often it is named; here nothing remembers that."""
    calls = [each.call for each in below(dependant)]
    return len(set(calls)) == len(calls)


def _is_plain(dependant: Dependant) -> bool:
    special = (
        dependant.cookie_params, dependant.websocket_param_name, dependant.http_connection_param_name,
        dependant.response_param_name, dependant.background_tasks_param_name,
        dependant.security_scopes_param_name, dependant.own_oauth_scopes, dependant.concurrency,
    )  # fmt: skip
    return (
        not any(special)
        and inspect.iscoroutinefunction(dependant.call)
        and all(_is_scalar(field) for field in (*dependant.path_params, *dependant.header_params))
        and all(_is_named(field) for field in dependant.query_params)
    )


def _is_scalar(field: ModelField) -> bool:
    """A single value by a single name."""
    return _is_named(field) and not field_annotation_is_sequence(field.field_info.annotation)


def _is_named(field: ModelField) -> bool:
    """A value, or several, by a single name."""
    return (
        field.field_info.validation_alias in (None, field.alias)
        and not field.field_info.validate_default
        and not lenient_issubclass(field.field_info.annotation, BaseModel)
    )
