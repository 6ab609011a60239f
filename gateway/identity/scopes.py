"""Scopes: what may be granted to whom, and what is held without being granted."""

import re
from collections.abc import Collection

from shared.values.faults import Forbidden, Invalid

EVERYTHING = "*"
_FORM = re.compile(r"[a-z][a-z0-9_.-]*:(read|write|approve|admin)")
# For the gateway's own resources: everybody may ask who he is; a client company may see its own tenant, and
# advance its test clock if it has one.
HELD_BY_ALL = frozenset(("self:read",))
HELD_BY_CLIENTS = frozenset(("self:read", "tenants:read", "sandbox:read", "sandbox:write"))
IMPLIED = {"tenants:admin": "tenants:read", "sandbox:write": "sandbox:read"}


class ScopeNotHeld(Forbidden):
    """Nobody can grant what he does not hold himself."""

    code = "scope_not_held"


def expanded(granted: Collection[str], known: frozenset[str]) -> frozenset[str]:
    """The scopes a credential stands for: `*` means all that any operation needs, now or later."""
    return known | frozenset(granted) if EVERYTHING in granted else frozenset(granted)


def for_gateway(scopes: frozenset[str], kind: str) -> frozenset[str]:
    """Scopes as the gateway's own resources see them."""
    held = HELD_BY_CLIENTS if kind == "client" else HELD_BY_ALL
    return scopes | held | {more for scope, more in IMPLIED.items() if scope in scopes}


def narrowed(wanted: Collection[str], held: frozenset[str], known: frozenset[str]) -> frozenset[str] | None:
    """The scopes asked for when all of them are held, else None."""
    every = EVERYTHING in held
    if all(scope in held or (every and is_scope(scope, known)) for scope in wanted):
        return frozenset(wanted)
    return None


def is_scope(scope: str, known: frozenset[str]) -> bool:
    """Whether some operation needs it, or one of a service that does not run here yet may."""
    return scope in known or _FORM.fullmatch(scope) is not None


def require_grantable(
    wanted: Collection[str], *, known: frozenset[str], held: frozenset[str], operator: bool
) -> None:
    """Refuse what is no scope, and scopes that the granting party does not hold itself."""
    strange = sorted(s for s in wanted if not (is_scope(s, known) or (operator and s == EVERYTHING)))
    if strange:
        raise Invalid.field("/scopes", "unknown_scope", f"Not a scope: {', '.join(strange)[:300]}.")
    missing = [] if EVERYTHING in held else sorted(set(wanted) - held)
    if missing:
        raise ScopeNotHeld("You cannot grant scopes that you do not hold.", scopes=missing)
