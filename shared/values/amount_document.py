"""Amounts on the wire: one document `{"amount", "currency"}` for each kind, which is one schema component."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema


@dataclass(frozen=True, slots=True)
class AmountDocument:
    """Annotation that reads and writes a kind of amount; documented as the schema component that `model` is."""

    model: type[BaseModel]
    read: Callable[[object], object]
    write: Callable[[Any], dict[str, str]]

    def __get_pydantic_core_schema__(self, _source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate with `read`, serialise as a plain document (a third of a model's cost)."""
        return core_schema.no_info_plain_validator_function(
            self.read,
            json_schema_input_schema=handler.generate_schema(self.model),
            serialization=core_schema.plain_serializer_function_ser_schema(
                self.write,
                return_schema=core_schema.dict_schema(core_schema.str_schema(), core_schema.str_schema()),
            ),
        )

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The document's schema, for input and output alike; validators added to the annotated type wrap ours."""
        found: Any = core
        while "json_schema_input_schema" not in found:
            found = found["schema"]
        return handler(found["json_schema_input_schema"])


def refused_amount(title: str, error: PydanticCustomError, amount: object) -> ValidationError:
    """The refusal of what stands in a document's `amount`."""
    detail = InitErrorDetails(type=error, loc=("amount",), input=amount)
    return ValidationError.from_exception_data(title, [detail])
