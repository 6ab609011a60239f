"""How units of measure are written beside a quantity."""

from __future__ import annotations

from collections.abc import Mapping

# UN/ECE Recommendation 20; the same in every language.
_SYMBOLS = {
    "CMT": "cm", "GRM": "g", "HUR": "h", "KGM": "kg", "KMT": "km", "KWH": "kWh", "LTR": "l", "MIN": "min",
    "MMT": "mm", "MTK": "m²", "MTQ": "m³", "MTR": "m", "TNE": "t",
}  # fmt: skip
_PIECES = frozenset(("C62", "EA", "H87", "NAR", "PCE"))


def unit_name(code: str, words: Mapping[str, str]) -> str:
    """A unit's symbol, else its word in the language, else its code; pieces need none."""
    return "" if code in _PIECES else _SYMBOLS.get(code) or words.get(code, code)
