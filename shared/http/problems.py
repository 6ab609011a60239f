"""Problem documents (RFC 9457): the one place where a refusal becomes an answer."""

import traceback
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import asyncpg
import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from shared.values.bounded import MOST_ERRORS
from shared.values.faults import Busy, Fault, FieldError, Invalid, Malformed, NotFound, Refused, Unavailable

MEDIA_TYPE = "application/problem+json"
DOCS = "/docs/problems#"
LONGEST_NAME = 200  # of one part of a pointer: an unknown field's name is as long as its sender likes

# What every operation may answer beside its success, for OpenAPI.
SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "type": "object",
    "description": "RFC 9457 problem document. `code` is stable; facts such as `available` or `allowed_actions` "
    "stand beside it.",
    "required": ["type", "title", "status", "detail", "code", "trace_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "trace_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "message"],
                "properties": {
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
    "additionalProperties": True,
}


def problem(fault: Fault, *, trace_id: str) -> Response:
    """Render a fault."""
    return problem_response(
        fault.status, fault.code, fault.detail, trace_id, fault.errors, fault.facts, fault.headers
    )


def problem_response(
    status: int,
    code: str,
    detail: str,
    trace_id: str,
    errors: Sequence[FieldError] = (),
    facts: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document as a response."""
    document: dict[str, object] = {
        "type": f"{DOCS}{code}",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "code": code,
        "trace_id": trace_id,
    }
    if errors:
        document["errors"] = [{"pointer": e.pointer, "code": e.code, "message": e.message} for e in errors]
    for name, value in (facts or {}).items():
        document.setdefault(name, value)
    return Response(
        orjson.dumps(document, default=str), status, media_type=MEDIA_TYPE, headers=dict(headers or {})
    )


def validation_fault(error: RequestValidationError) -> Fault:
    """Turn FastAPI's findings into 400 (not readable), 404 (an id that cannot exist) or 422 (named fields)."""
    found = error.errors()
    if any(e["type"] == "json_invalid" for e in found):
        return Malformed("The body is not valid JSON.")
    if any(e["loc"][:1] == ("path",) for e in found):
        return NotFound("resource", "with that id")
    errors = [FieldError(_pointer(e["loc"]), e["type"], e["msg"]) for e in found[:MOST_ERRORS]]
    told = f"{len(found)} field(s) are" if len(found) < MOST_ERRORS else f"{MOST_ERRORS} fields or more are"
    return Invalid(f"{told} not acceptable.", errors=errors)


def _pointer(location: Sequence[int | str]) -> str:
    place, *rest = location
    parts = rest if place == "body" else [place, *rest]
    return "".join("/" + str(part)[:LONGEST_NAME].replace("~", "~0").replace("/", "~1") for part in parts)


def let_go(error: BaseException) -> None:
    """Free what an answered error still holds: by its frames the whole of a body, and in a circle it would stay.

    The collector of circles counts objects, not bytes: it would come after hundreds of megabytes.
    """
    answered: BaseException | None = error
    while answered is not None:
        traceback.clear_frames(answered.__traceback__)
        answered.__traceback__ = None
        earlier = answered.__cause__ or answered.__context__
        answered.__cause__ = answered.__context__ = None
        answered = earlier


def http_fault(error: HTTPException) -> Fault:
    """Starlette's own refusals (unknown path, wrong method, unreadable form) as faults."""
    fault = Fault(str(error.detail), code=HTTPStatus(error.status_code).phrase.lower().replace(" ", "_"))
    fault.status = error.status_code  # type: ignore[misc]
    return fault


def database_fault(error: asyncpg.PostgresError) -> Fault | None:
    """What the database refused by design, as a fault; None when the error is a bug or an outage."""
    if error.sqlstate is not None and error.sqlstate.startswith("BO"):
        return Refused(error.detail or error.message, code=error.message)
    if isinstance(error, asyncpg.UniqueViolationError):
        return Refused(f"There is already one like this ({unique_column(error)}).", code="already_exists")
    if isinstance(error, asyncpg.ExclusionViolationError):
        return Refused("Something else holds on some of these days already.", code="validity_overlaps")
    if isinstance(error, asyncpg.ForeignKeyViolationError):
        return Refused(
            "This refers to something absent, or something still refers to it.", code="reference_violated"
        )
    if isinstance(error, asyncpg.LockNotAvailableError | asyncpg.QueryCanceledError):
        return Busy("Others are working on the same rows; try again.")
    if isinstance(error, asyncpg.CharacterNotInRepertoireError | asyncpg.UntranslatableCharacterError):
        return Invalid("A text holds a character that cannot be stored.", code="invalid_text")
    if isinstance(
        error,
        asyncpg.CannotConnectNowError | asyncpg.AdminShutdownError | asyncpg.TooManyConnectionsError
        | asyncpg.PostgresConnectionError,
    ):  # fmt: skip
        return Unavailable("The database is away; try again.")
    return None


def unique_column(error: asyncpg.UniqueViolationError) -> str:
    """What must be unique, by the constraint's name (`orders_external_ref_key` → `external_ref`).

    PostgreSQL says no more of a table under row-level security, and names of constraints are nobody's business.
    """
    return (
        (error.constraint_name or "")
        .removeprefix(f"{error.table_name}_")
        .removesuffix("_key")
        .removesuffix("_pkey")
    )
