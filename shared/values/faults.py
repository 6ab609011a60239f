"""Faults: every refusal a caller can meet, each with a status, a stable code and the facts behind it.

Raise a subclass in the `rules.py` that refuses; `shared.http.problems` is the only place that renders them.
Anything that is not a Fault is a bug and answers 500 without details.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True)
class FieldError:
    """One bad field: a JSON pointer into the request body (or `/query/name`), a code and a sentence."""

    pointer: str
    code: str
    message: str


class Fault(Exception):  # noqa: N818 - a refusal is no error
    """A refusal with an HTTP status, a machine-readable code, a sentence and facts."""

    status: ClassVar[int] = HTTPStatus.CONFLICT
    code: str = "refused"
    errors: Sequence[FieldError] = ()

    def __init__(self, detail: str, *, code: str | None = None, **facts: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts
        if code is not None:
            self.code = code

    @property
    def headers(self) -> dict[str, str]:
        """Headers the answer must carry beside the problem document."""
        return {}


class Refused(Fault):
    """A rule of the business refuses (409)."""


class Malformed(Fault):
    """The request cannot be read at all (400)."""

    status = HTTPStatus.BAD_REQUEST
    code = "malformed"


class Unauthenticated(Fault):
    """No valid proof of who is calling (401)."""

    status = HTTPStatus.UNAUTHORIZED
    code = "unauthenticated"

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(Fault):
    """The caller is known but lacks the right (403)."""

    status = HTTPStatus.FORBIDDEN
    code = "forbidden"


class NotFound(Fault):
    """Absent, or another tenant's: the two are indistinguishable on purpose (404)."""

    status = HTTPStatus.NOT_FOUND
    code = "not_found"

    def __init__(self, noun: str, key: UUID | str) -> None:
        super().__init__(f"There is no {noun} {key}.")


class PreconditionFailed(Fault):
    """If-Match names a version that is not the current one (412)."""

    status = HTTPStatus.PRECONDITION_FAILED
    code = "version_mismatch"


class PreconditionRequired(Fault):
    """A change without If-Match (428)."""

    status = HTTPStatus.PRECONDITION_REQUIRED
    code = "if_match_required"


class TooLarge(Fault):
    """The body is larger than this route takes (413)."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "body_too_large"


class WrongMediaType(Fault):
    """The body is not of a type this route reads (415)."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "unsupported_media_type"


class Invalid(Fault):
    """The payload is readable but wrong; `errors` names each field (422)."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "invalid"

    def __init__(
        self, detail: str, *, code: str | None = None, errors: Sequence[FieldError] = (), **facts: object
    ) -> None:
        super().__init__(detail, code=code, **facts)
        self.errors = tuple(errors)

    @classmethod
    def field(cls, pointer: str, code: str, message: str) -> "Invalid":
        """The common case: one field is wrong."""
        return cls(message, code=code, errors=[FieldError(pointer, code, message)])


class NotYetKnown(Invalid):
    """What the request names is not there, but another service may just have made it (422).

    The edge asks again for two seconds, without a connection meanwhile, before it answers so.
    """


class Busy(Fault):
    """The same work is in flight; try again shortly (409 with Retry-After)."""

    code = "in_progress"

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": "1"}


class TooManyAtOnce(Fault):
    """The tenant's own requests have its share of what many want, and more wait than may (429 with Retry-After)."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too_many_at_once"

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": "1"}


class Unavailable(Fault):
    """Something this answer needs is away (503)."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "unavailable"

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": "1"}


class DatabaseAway(ConnectionError):  # noqa: N818 - named for what happened
    """The database cannot be reached or went away in the middle; nothing was committed as far as we know."""
