"""How numbers are written in data; on paper `shared.paper.figures` does it. Zero never carries a minus."""

from __future__ import annotations

from decimal import Decimal


def plain(value: Decimal) -> str:
    """A quantity, rate or price without exponent, commas or trailing zeros: "6", "1.5", "0.000001"."""
    text = f"{value:zf}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def amount(value: Decimal, decimals: int) -> str:
    """An amount for machines, with exactly the currency's decimals: "1806.00"."""
    return f"{value:z.{decimals}f}"
