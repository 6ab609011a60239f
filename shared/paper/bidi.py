"""In which order the letters of a line stand: Unicode's bidirectional algorithm (UAX #9) for text without formatting
characters, in time linear in its length. fpdf2's own is recursive and keeps numbers inside Hebrew in the wrong place.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from unicodedata import bidirectional

_NUMBERS = frozenset(("EN", "AN"))
_NEUTRAL = frozenset(("B", "S", "WS", "ON"))
_BRACKETS = {"(": ")", "[": "]", "{": "}", "（": "）", "「": "」", "【": "】", "〈": "〉", "《": "》"}
_CLOSING = frozenset(_BRACKETS.values())
_MOST_OPEN = 63  # brackets at the same time (BD16)


def reads_from_right(paragraph: str) -> bool:
    """Whether the first letter with a direction has it from right to left (P2, P3)."""
    for char in paragraph:
        kind = bidirectional(char)
        if kind in ("L", "R", "AL"):
            return kind != "L"
    return False


def visual_runs(line: str, *, from_right: bool) -> list[tuple[str, bool]]:
    """The line's pieces from left to right, each in reading order, and whether it reads from the right."""
    levels = _levels(line, 1 if from_right else 0)
    runs: list[tuple[int, str]] = []
    for level, letters in groupby(zip(levels, line, strict=True), key=itemgetter(0)):
        runs.append((level, "".join(letter for _, letter in letters)))
    for level in range(max(levels, default=0), 0, -1):  # L2
        runs = _turned(runs, level)
    return [(text, level % 2 == 1) for level, text in runs]


def _turned(runs: list[tuple[int, str]], level: int) -> list[tuple[int, str]]:
    """Every sequence of runs of at least this level in the opposite order."""
    turned: list[tuple[int, str]] = []
    for inside, group in groupby(runs, key=lambda run: run[0] >= level):
        pieces = list(group)
        turned += reversed(pieces) if inside else pieces
    return turned


def _levels(line: str, base: int) -> list[int]:
    """The embedding level of each letter."""
    own = "R" if base else "L"
    kinds = [bidirectional(char) or "L" for char in line]
    _resolve_strong(kinds, own)
    _resolve_separators(kinds)
    _resolve_numbers(kinds, own)
    _resolve_brackets(line, kinds, own)
    _resolve_neutrals(kinds, own)
    raised = {"L": (0, 1), "R": (1, 0), "AN": (2, 1), "EN": (2, 1)}  # I1, I2
    levels = [base + raised[kind][base] for kind in kinds]
    for place in range(len(line) - 1, -1, -1):  # L1
        if not line[place].isspace():
            break
        levels[place] = base
    return levels


def _resolve_strong(kinds: list[str], own: str) -> None:
    """W1 to W3: marks are what they stand on, numbers after Arabic are Arabic, and that is from right to left."""
    before = strong = own
    for place, kind in enumerate(kinds):
        if kind not in ("L", "R", "AL", "EN", "ES", "ET", "AN", "CS") and kind not in _NEUTRAL:
            kind = before  # marks and what is invisible
        before = kind
        if kind in ("L", "R", "AL"):
            strong = kind
        if kind == "EN" and strong == "AL":
            kind = "AN"
        kinds[place] = "R" if kind == "AL" else kind


def _resolve_separators(kinds: list[str]) -> None:
    """W4 to W6: one separator between numbers, and signs at numbers, belong to them; all others are neutral."""
    for place in range(1, len(kinds) - 1):
        left, kind, right = kinds[place - 1 : place + 2]
        if left == right and ((kind == "CS" and left in _NUMBERS) or (kind == "ES" and left == "EN")):
            kinds[place] = left
    place = 0
    for kind, group in groupby(list(kinds)):
        end = place + len(list(group))
        if kind == "ET":
            at_number = "EN" in (kinds[place - 1] if place else "", kinds[end] if end < len(kinds) else "")
            kinds[place:end] = ["EN" if at_number else "ON"] * (end - place)
        elif kind in ("ES", "CS"):
            kinds[place:end] = ["ON"] * (end - place)
        place = end


def _resolve_numbers(kinds: list[str], own: str) -> None:
    """W7: numbers after Latin are Latin."""
    strong = own
    for place, kind in enumerate(kinds):
        if kind in ("L", "R"):
            strong = kind
        elif kind == "EN" and strong == "L":
            kinds[place] = "L"


def _side(kind: str) -> str:
    return "R" if kind in _NUMBERS else kind


def _resolve_brackets(line: str, kinds: list[str], own: str) -> None:
    """N0: a pair of brackets goes with what is in it, or with what is before it."""
    for begin, end in _pairs(line, kinds):
        inside = {_side(kind) for kind in kinds[begin + 1 : end]} & {"L", "R"}
        if own in inside:
            kinds[begin] = kinds[end] = own
        elif inside:
            before = (_side(kinds[place]) for place in range(begin - 1, -1, -1))
            kinds[begin] = kinds[end] = next((kind for kind in before if kind in ("L", "R")), own)


def _pairs(line: str, kinds: list[str]) -> list[tuple[int, int]]:
    waiting: list[tuple[str, int]] = []
    found = []
    for place, char in enumerate(line):
        if kinds[place] != "ON":
            continue
        if char in _BRACKETS:
            if len(waiting) == _MOST_OPEN:
                return []
            waiting.append((_BRACKETS[char], place))
        for depth in range(len(waiting) - 1, -1, -1) if char in _CLOSING else ():
            if waiting[depth][0] == char:
                found.append((waiting[depth][1], place))
                del waiting[depth:]
                break
    return sorted(found)


def _resolve_neutrals(kinds: list[str], own: str) -> None:
    """N1, N2: neutrals between two of a kind are of that kind, others go the paragraph's way."""
    before, place = own, 0
    for neutral, group in groupby(list(kinds), key=_NEUTRAL.__contains__):
        end = place + len(list(group))
        if neutral:
            after = _side(kinds[end]) if end < len(kinds) else own
            kinds[place:end] = [before if before == after else own] * (end - place)
        before = _side(kinds[end - 1])
        place = end
