"""Paths as they are sent: what two programs could take for two different paths is refused before anything is looked up.

Which of us decodes a path, and how often, must not decide whose resource it names. A separator, a dot segment or a
control character that hides behind percent signs, once or several times encoded, has no place in a path of ours: ids
and names have none (RFC 3986, sections 2.1, 3.3 and 6.2.2; RFC 3629 for the letters).
"""

import re
from collections.abc import MutableMapping
from typing import Any, Final
from urllib.parse import quote, unquote_to_bytes

from shared.values.faults import Malformed

_SUSPECT: Final = re.compile(rb"[%\\]|/\.")
# `%2F`, `%252F`, `%25252F`: however often the percent sign itself was encoded.
_HIDDEN: Final = re.compile(rb"\\|%(?:25)*(?:2f|5c|[01][0-9a-f]|7f)", re.IGNORECASE)
_DOT: Final = re.compile(rb"%(?:25)*2e", re.IGNORECASE)
_BROKEN: Final = re.compile(rb"%(?![0-9a-f]{2})", re.IGNORECASE)
_DOTS: Final = frozenset((b".", b".."))


def doubt_about(path: bytes) -> str | None:
    """Why a path (as sent, without its query) is not taken, or None for all that can be read in one way only."""
    if not _SUSPECT.search(path):
        return None
    if _HIDDEN.search(path):
        return "a separator or control character in disguise"
    if not _DOTS.isdisjoint(_DOT.sub(b".", path).split(b"/")):
        return "a dot segment"
    if _BROKEN.search(path):
        return "a percent sign that encodes nothing"
    try:
        unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        return "bytes that are no UTF-8"
    return None


def require_plain(scope: MutableMapping[str, Any]) -> None:
    """Refuse a request (ASGI's scope) whose path could be read in two ways (400)."""
    doubt = doubt_about(scope.get("raw_path") or quote(scope["path"]).encode())
    if doubt is not None:
        raise Malformed(f"The path holds {doubt}.")
