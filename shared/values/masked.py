"""Masked fields of the wire: what a caller sees of a sealed value without the scope for it, and how to declare that.

    bank_account: Annotated[BankAccountOut | None, masked(scope="billing.bank:read")]

A masked field is filled by `shared.context.sealed_fields.for_caller` and by nothing else: it takes a `ForCaller` only,
so that a clear value put there by mistake fails instead of being told. A request's field for such a value is a
`Secret[...]` of pydantic (its repr and its JSON are stars) around a type that ends in `NotMasked`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

STARS: Final = "****"
"""In every masked text, and in no text that is taken for a sealed value."""
SEALED_KEY, SEALED_SCOPE_KEY = "x-sealed", "x-sealed-scope"

MaskKind = Literal["plain", "iban", "tax_id", "email"]


def _iban(text: str) -> str:
    """Country and the last four; the blanks stand where they would in a British one, whatever the length."""
    compact = "".join(text.split())
    return f"{compact[:2]}** **** **** {compact[-4:]}" if len(compact) >= 15 else STARS


def _tax_id(text: str) -> str:
    """The last three of at least eight signs, so that most stay unknown."""
    compact = "".join(text.split())
    return f"{STARS}{compact[-3:]}" if len(compact) >= 8 else STARS


def _email(text: str) -> str:
    """The first letter and the top-level domain."""
    name, _, domain = text.rpartition("@")
    return f"{name[:1]}{STARS}@{STARS}.{domain.rpartition('.')[2]}" if name and "." in domain else STARS


MASKS: Final[Mapping[str, Callable[[str], str]]] = {
    "plain": lambda _: STARS * 2,
    "iban": _iban,
    "tax_id": _tax_id,
    "email": _email,
}


def mask(kind: MaskKind, text: str) -> str:
    """A text as who may not read it sees it; says nothing of its length."""
    return MASKS[kind](text)


def _refuse_masked(value: object) -> object:
    if isinstance(value, str) and STARS in value:
        raise PydanticCustomError(
            "masked_value", "This is the masked form; send the whole value, or leave the field out"
        )
    return value


NotMasked: Final = BeforeValidator(_refuse_masked)
"""Annotation of a text that a caller may send for a sealed value: what was shown masked must not overwrite it."""


@dataclass(frozen=True, slots=True)
class ForCaller:
    """A value that was made fit for one caller: masked, or in full for who may read it. Made by the kernel alone."""

    value: Any

    def __repr__(self) -> str:
        """Say nothing of it: it may be in full."""
        return "ForCaller(…)"


@dataclass(frozen=True, slots=True)
class Mask:
    """How a text inside a masked object is masked; without one it is all stars."""

    kind: MaskKind


@dataclass(frozen=True, slots=True)
class Masked:
    """Annotation of a field whose value is sealed: see `masked`."""

    scope: str
    kind: MaskKind

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        """Take what was made fit for the caller, and nothing else."""
        return core_schema.no_info_before_validator_function(_shown_only, handler(source))

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The value's schema, and who sees it in full."""
        told = f"Masked, but in full where it is read (GET) by a caller with `{self.scope}`; that leaves an audit row."
        return {**handler(core), SEALED_KEY: True, SEALED_SCOPE_KEY: self.scope, "description": told}


def _shown_only(value: object) -> object:
    if value is None:
        return None
    if not isinstance(value, ForCaller):
        raise TypeError("a masked field takes what sealed_fields.for_caller made, nothing else")
    return value.value


def masked(*, scope: str, kind: MaskKind = "plain") -> Masked:
    """Declare a field of an answer as sealed: shown in full to callers with the scope, masked to all others.

    Of an object each text is masked by its own `Mask`; what is no text is left out (null).
    """
    return Masked(scope, kind)


@lru_cache(maxsize=1024)
def masked_fields(model: type[BaseModel]) -> Mapping[str, Masked]:
    """The fields of a model that are masked, by name."""
    return {
        name: mark
        for name, field in model.model_fields.items()
        for mark in field.metadata
        if isinstance(mark, Masked)
    }


def models_in(annotation: object) -> list[type[BaseModel]]:
    """The pydantic models a type is made of, with those inside them."""
    found: list[type[BaseModel]] = []

    def walk(part: object) -> None:
        if isinstance(part, type) and issubclass(part, BaseModel) and part not in found:
            found.append(part)
            for field in part.model_fields.values():
                walk(field.annotation)
        for inner in get_args(part):
            walk(inner)

    walk(annotation)
    return found


def scopes_in(annotation: object) -> frozenset[str]:
    """The scopes by which more of an answer is seen."""
    return frozenset(mark.scope for model in models_in(annotation) for mark in masked_fields(model).values())


def masked_value(model: type[BaseModel], name: str, value: object) -> object:
    """A sealed value as the field of that name shows it to who may not read it."""
    field = model.model_fields[name]
    if isinstance(value, str):
        return mask(masked_fields(model)[name].kind, value)
    if isinstance(value, Mapping):
        shape = next((part for part in models_in(field.annotation)), None)
        return {key: _masked_leaf(shape, key, leaf) for key, leaf in value.items()}
    return None


def _masked_leaf(shape: type[BaseModel] | None, name: str, value: object) -> str | None:
    if not isinstance(value, str):
        return None
    field = shape.model_fields.get(name) if shape else None
    marks = [] if field is None else [*field.metadata, *_marks_inside(field.annotation)]
    return mask(next((mark.kind for mark in marks if isinstance(mark, Mask)), "plain"), value)


def _marks_inside(annotation: object) -> Iterator[object]:
    """What is annotated within a type: of `Annotated[str, Mask(...)] | None`, too."""
    yield from getattr(annotation, "__metadata__", ())
    for inner in get_args(annotation):
        yield from _marks_inside(inner)


MaskedIban = Annotated[str, Mask("iban")]
"""An IBAN inside a masked object."""
