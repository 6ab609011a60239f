"""Roundings by name: each rule of a country names the one that its publication prescribes.

A result of pay is an exact `Decimal` in whole units of currency (12.34); a rounding is part of the rule and of the
explanation of a line, never a matter of formatting.
"""

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from typing import Final

CENT: Final = Decimal("0.01")
_UNIT: Final = Decimal(1)
Rounding = Callable[[Decimal], Decimal]


def half_up_cent(value: Decimal) -> Decimal:
    """To the nearest cent or penny, halves away from zero."""
    return value.quantize(CENT, ROUND_HALF_UP)


def half_down_cent(value: Decimal) -> Decimal:
    """To the nearest cent or penny, halves towards zero."""
    return value.quantize(CENT, ROUND_HALF_DOWN)


def cut_cent(value: Decimal) -> Decimal:
    """What is beyond the cent or penny is cut off, towards zero."""
    return value.quantize(CENT, ROUND_DOWN)


def up_cent(value: Decimal) -> Decimal:
    """Up to the next whole cent or penny."""
    return value.quantize(CENT, ROUND_CEILING)


def floor_unit(value: Decimal) -> Decimal:
    """Down to the whole pound or dollar, below zero away from it."""
    return value.quantize(_UNIT, ROUND_FLOOR)


def up_unit(value: Decimal) -> Decimal:
    """Up to the next whole pound or dollar."""
    return value.quantize(_UNIT, ROUND_CEILING)


def half_up_unit(value: Decimal) -> Decimal:
    """To the nearest whole pound or dollar, halves away from zero."""
    return value.quantize(_UNIT, ROUND_HALF_UP)


def unrounded(value: Decimal) -> Decimal:
    """As it is."""
    return value
