"""One of several models, told apart by a field of theirs: errors point into the body as the sender wrote it.

    body: Annotated[Any, OneOf((Circle, Square), by="shape"), Body()]

pydantic names the model in the place of an error (`/circle/radius`), which no sender has in his JSON.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args

from pydantic import BaseModel, Field, GetCoreSchemaHandler, ValidationError, ValidatorFunctionWrapHandler
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema


@dataclass(frozen=True, slots=True)
class OneOf:
    """Annotation of a value that is one of these models, whose field `by` has a literal of its own in each."""

    models: tuple[type[BaseModel], ...]
    by: str

    def __get_pydantic_core_schema__(self, _source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The models' own schemas, chosen by the field."""
        if len(self.models) == 1:
            return handler.generate_schema(self.models[0])
        either = Annotated[Union[self.models], Field(discriminator=self.by)]  # type: ignore[name-defined]  # noqa: UP007
        return core_schema.no_info_wrap_validator_function(self._read, handler.generate_schema(either))

    def _read(self, value: object, handler: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 - one of the models
        try:
            return handler(value)
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False)
            raise ValidationError.from_exception_data(
                error.title, [self._as_sent(e) for e in found]
            ) from None

    def _as_sent(self, error: Any) -> InitErrorDetails:  # noqa: ANN401 - pydantic's dictionary
        """An error without the model's name in its place; a tag that is missing or unknown is at its field."""
        code, message, place = error["type"], error["msg"], error["loc"][1:]
        if code == "union_tag_not_found":
            code, message, place = "missing", "Field required", (self.by,)
        elif code == "union_tag_invalid":
            names = ", ".join(str(get_args(each.model_fields[self.by].annotation)[0]) for each in self.models)
            code, message, place = f"unknown_{self.by}", f"Must be one of {names}", (self.by,)
        return InitErrorDetails(type=PydanticCustomError(code, message), loc=place, input=error["input"])
