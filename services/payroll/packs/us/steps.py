"""Steps of an explanation, written down as they are done."""

from decimal import Decimal

from services.payroll.engine.lines import Step
from services.payroll.engine.rounding import Rounding


def exact_text(value: Decimal | int) -> str:
    """A number as text, never with an exponent."""
    text = str(value)
    return format(value, "f") if "E" in text else text


class Steps:
    """The steps of one line, in order."""

    __slots__ = ("_taken",)

    def __init__(self) -> None:
        self._taken: list[Step] = []

    def take(self, name: str, result: Decimal, **inputs: Decimal | int) -> Decimal:
        """Note an exact step and hand back its result."""
        self._taken.append(Step(name, _texts(inputs), exact_text(result)))
        return result

    def round(self, name: str, rounding: Rounding, value: Decimal, **inputs: Decimal | int) -> Decimal:
        """Note a step that ends in a named rounding and hand back the rounded result."""
        result = rounding(value)
        self._taken.append(Step(name, _texts(inputs), exact_text(result), rounding.__name__))
        return result

    def done(self) -> tuple[Step, ...]:
        """All steps so far."""
        return tuple(self._taken)


def _texts(inputs: dict[str, Decimal | int]) -> tuple[tuple[str, str], ...]:
    return tuple([(name, exact_text(value)) for name, value in inputs.items()])
