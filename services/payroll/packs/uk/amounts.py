"""Arithmetic that the rules of several subjects share: roundings to four decimals and pence, texts of steps."""

from decimal import ROUND_FLOOR, ROUND_HALF_DOWN, Decimal
from typing import Final

from services.payroll.engine.lines import Step

ZERO: Final = Decimal("0.00")
NOUGHT: Final = Decimal(0)
_FOUR: Final = Decimal("0.0001")
_THREE: Final = Decimal("0.001")
_PENNY: Final = Decimal("0.01")


def floor_four(value: Decimal) -> Decimal:
    """Down to the fourth decimal, as the tables of PAYE bands are made."""
    return value.quantize(_FOUR, ROUND_FLOOR)


def ni_penny(value: Decimal) -> Decimal:
    """To the penny by the third decimal alone: 5 or less is dropped, 6 or more goes up (never below zero)."""
    return value.quantize(_THREE, ROUND_FLOOR).quantize(_PENNY, ROUND_HALF_DOWN)


def step(name: str, result: Decimal, rounding: str | None = None, **inputs: object) -> Step:
    """A step of an explanation from its values."""
    return Step(name, tuple((key, str(value)) for key, value in inputs.items()), str(result), rounding)
