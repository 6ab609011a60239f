"""Bounds of what a request may hold, counted before anything in it is looked at: keys, entries, errors.

pydantic looks at every key and every entry and notes an error for each that is wrong, however many there are: a body of
a million unknown keys held the event loop for ten seconds. Here what is too much is refused by its length alone, and of
a long list's errors the first are enough to mend it by (docs/adr/0028).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    ValidatorFunctionWrapHandler,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import (
    CoreSchema,
    InitErrorDetails,
    PydanticCustomError,
    PydanticKnownError,
    core_schema,
)

MOST_ERRORS: Final = 50
"""Errors that a refusal names at most; what comes after them is not looked for."""


class KnownKeys(BaseModel):
    """Base of every object that a request may hold: unknown fields are refused, and many of them unread."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _refuse_more_keys_than_fields(cls, value: object) -> object:
        """One key more than there are fields is an unknown one: the first such are named, nothing else is done."""
        if isinstance(value, dict) and len(value) > len(cls.model_fields):
            raise ValidationError.from_exception_data(cls.__name__, list(_unknown(cls, value)))
        return value


def _unknown(model: type[BaseModel], given: dict[Any, Any]) -> Iterator[InitErrorDetails]:
    known = {field.alias or name for name, field in model.model_fields.items()}
    for key in islice((key for key in given if key not in known), MOST_ERRORS):
        yield InitErrorDetails(type="extra_forbidden", loc=(key,), input=given[key])


@dataclass(frozen=True, slots=True)
class Entries:
    """Annotation of a list or a map in a request: how many entries it has, from `least` to `most`.

    They are counted first (`too_long`, `too_short`). A list is then read up to its first wrong item; only from there on
    errors are gathered, until there are `MOST_ERRORS`.
    """

    least: int = 0
    most: int = 0

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The type's own schema behind the count."""
        found: Any = handler(source)
        if found["type"] == "list":
            return core_schema.no_info_wrap_validator_function(self._read_list, {**found, "fail_fast": True})
        if found["type"] != "dict":
            raise TypeError(f"{source}: entries are counted of lists and maps")
        return core_schema.no_info_before_validator_function(self._counted, found)

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The type's own schema with the bounds."""
        found = handler(core)
        what = "Items" if found["type"] == "array" else "Properties"
        least = {f"min{what}": self.least} if self.least else {}
        return {**found, f"max{what}": self.most, **least}

    def _counted(self, value: object) -> object:
        if isinstance(value, list | tuple | dict):
            facts = {
                "field_type": "Dictionary" if isinstance(value, dict) else "List",
                "actual_length": len(value),
            }
            if len(value) > self.most:
                raise PydanticKnownError("too_long", {**facts, "max_length": self.most})
            if len(value) < self.least:
                raise PydanticKnownError("too_short", {**facts, "min_length": self.least})
        return value

    def _read_list(self, value: object, read: ValidatorFunctionWrapHandler) -> object:
        self._counted(value)
        try:
            return read(value)
        except ValidationError as error:
            if not isinstance(value, list):
                raise
            first = error.errors(include_url=False)[0]["loc"][0]
            assert isinstance(first, int)
            found = _first_errors(value, first, read)
        raise ValidationError.from_exception_data("list", found)


def _first_errors(
    items: list[object], first: int, read: ValidatorFunctionWrapHandler
) -> list[InitErrorDetails]:
    """What is wrong with the items from `first` on, each read by itself, until that is enough."""
    found: list[InitErrorDetails] = []
    for place in range(first, len(items)):
        try:
            read([items[place]])
        except ValidationError as error:
            for each in error.errors(include_url=False):
                kind = PydanticCustomError(each["type"], each["msg"])
                found.append(InitErrorDetails(type=kind, loc=(place, *each["loc"][1:]), input=each["input"]))
        if len(found) >= MOST_ERRORS:
            break
    return found[:MOST_ERRORS]
