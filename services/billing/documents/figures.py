"""How numbers are written: on paper with thousands commas, in data without. Zero never carries a minus."""

from __future__ import annotations

from decimal import Decimal


def plain(value: Decimal) -> str:
    """A quantity, rate or price without exponent, commas or trailing zeros: "6", "1.5", "0.000001"."""
    text = f"{value:zf}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def amount(value: Decimal, decimals: int) -> str:
    """An amount for machines, with exactly the currency's decimals: "1806.00"."""
    return f"{value:z.{decimals}f}"


def grouped(value: Decimal, decimals: int) -> str:
    """An amount for people, with exactly the currency's decimals: "1,806.00"."""
    return f"{value:z,.{decimals}f}"


def grouped_price(value: Decimal, decimals: int) -> str:
    """A unit price with the currency's decimals and as many more as it really has: "18.0425"."""
    return grouped(value, max(decimals, len(plain(value).partition(".")[2])))
