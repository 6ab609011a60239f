"""Query parameters: an operation takes what it declares, each once unless it is a list; anything else is refused.

A mistyped filter that is ignored answers the whole list, and whoever reads it takes that for the answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from fastapi._compat import field_annotation_is_sequence
from fastapi.dependencies.models import Dependant
from starlette.datastructures import QueryParams
from starlette.types import Scope

from shared.values.bounded import MOST_ERRORS
from shared.values.faults import FieldError, Invalid, Malformed

MOST_PARAMETERS = 256  # of a query: a list of 200 ids, and whatever narrows it down
LONGEST_NAME = 200  # of what a refusal repeats: a name is as long as its sender likes


@dataclass(frozen=True, slots=True)
class Parameters:
    """The names that a query may have, and those of them that may come several times."""

    known: frozenset[str]
    lists: frozenset[str] = frozenset()

    @classmethod
    def of(cls, dependant: Dependant) -> Self:
        """Those that an endpoint and all it depends on declare."""
        fields = [field for each in (dependant, *below(dependant)) for field in each.query_params]
        lists = [field for field in fields if field_annotation_is_sequence(field.field_info.annotation)]
        return cls(frozenset(f.alias for f in fields), frozenset(f.alias for f in lists))

    def require_known(self, scope: Scope) -> QueryParams:
        """A query's parameters; refuses what is not declared, and several values of what has one."""
        query: bytes = scope["query_string"]
        if query.count(b"&") >= MOST_PARAMETERS:
            raise Malformed(f"The query has more than {MOST_PARAMETERS} parameters.", limit=MOST_PARAMETERS)
        found: set[str] = set()
        repeated: set[str] = set()
        parsed = QueryParams(query)
        for name, _ in parsed.multi_items():
            (repeated if name in found else found).add(name)
        if unknown := found - self.known:
            told = f"Known here: {', '.join(sorted(self.known)) or 'none'}."
            raise _refusal(unknown, "unknown_parameter", lambda name: f"There is no parameter {name}. {told}",
                           known=sorted(self.known))  # fmt: skip
        if once := repeated - self.lists:
            raise _refusal(once, "repeated_parameter", lambda name: f"{name} has one value; give it once.")
        return parsed


def _refusal(names: set[str], code: str, message: Callable[[str], str], **facts: Sequence[str]) -> Invalid:
    shown = [name[:LONGEST_NAME] for name in sorted(names)[:MOST_ERRORS]]
    errors = [FieldError(pointer(name), code, message(name)) for name in shown]
    return Invalid(errors[0].message, code=code, errors=errors, **facts)


def pointer(name: str) -> str:
    """Where a query parameter stands, as refusals name it."""
    return "/query/" + name.replace("~", "~0").replace("/", "~1")


def below(dependant: Dependant) -> list[Dependant]:
    """All that an endpoint depends on, directly or not."""
    return [found for each in dependant.dependencies for found in (each, *below(each))]
