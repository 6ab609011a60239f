"""Hostile texts of many shapes, and what reading them may cost: CPU time that grows with their length, not faster."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from itertools import product

from gateway.identity.token_endpoint import OAuthError
from gateway.upstream.errors import ProxyError
from services.orders.imports.rules.model import RefusedRow
from shared.http.fast.direct_call import DoesNotFit
from shared.values.faults import Fault

SMALL, LARGE = 16 * 1024, 64 * 1024
STEEPEST = 8  # times as long for four times the text; reading it once in each place would be sixteen
FLOOR = 0.002  # seconds: below it a measurement says nothing, and eight times as much harms nobody
REFUSALS = (Fault, ValueError, OAuthError, ProxyError, DoesNotFit, RefusedRow)
UNITS = (
    '"', "\\", '\\"', "\\\\", "'", ",", " ", "\t", "\x01", "\x7f", "0", "9", "a", "A", "-", "_", "=", ";", ":", "&",
    "/", "@", "`", "~", "[", "{", "(", "<", "]", "}", ".", "%", "%25", "%2e", "%2", "..", "/.", "./", "%252f", ';"',
    '="', ',"', "a.", "a@", "a@a.", "1.", "1,", "1-", "a=", "a:", "a,", "a;", "a b", "a-", "\x85", "\u2028", "\u00a0",
    "\u0663", "é", "漢", "\u0300", "\u0300\u0327", "+00:00", "2026-01-01T", "wait=", "q=0,", "Bearer ", '{"a":', "[{",
    "1.10.0.0.",
)  # fmt: skip
BEGINNINGS = ("", '"')
ENDS = ("", "\x00")


@cache
def texts(size: int, *, latin: bool = False) -> dict[str, str]:
    """Texts of that many characters, each one thing over and over between a beginning and a mismatch at the end."""
    found = {}
    for unit, begin, end in product(UNITS, BEGINNINGS, ENDS):
        if latin and not unit.isascii():
            continue
        inner = size - len(begin) - len(end)
        text = begin + (unit * (inner // len(unit) + 1))[:inner] + end
        found[f"{begin!r} {unit!r} {end!r}"] = text
    return found


def cost(parse: Callable[[str], object], text: str, *, times: int = 1) -> float:
    """The least CPU time (s) of reading a text, whether it is taken or refused."""
    spent = []
    for _ in range(times):
        began = time.thread_time()
        with suppress(*REFUSALS):
            parse(text)
        spent.append(time.thread_time() - began)
    return min(spent)


def steep_shape(parse: Callable[[str], object], *, latin: bool = False) -> str | None:
    """The first shape that takes more than eight times as long for four times the text, or None."""
    small = texts(SMALL, latin=latin)
    for shape, large in texts(LARGE, latin=latin).items():
        spent = cost(parse, large)
        if spent > STEEPEST * FLOOR:
            bound = STEEPEST * max(cost(parse, small[shape], times=3), FLOOR)
            if spent > bound and (spent > 1 or cost(parse, large, times=3) > bound):
                return shape
    return None
