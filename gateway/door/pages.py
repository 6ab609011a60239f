"""The pages at /docs: the API rendered from its own OpenAPI document, and the list of problem codes.

Everything they load is served from here (no foreign host, enforced by their Content-Security-Policy).
"""

import html
import inspect
import re
from dataclasses import dataclass
from pathlib import Path

from gateway.identity.signing import fingerprint
from shared.values.faults import Fault

FOLDER = Path(__file__).parent / "docs_page"
HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
}
_CODE = re.compile("`([^`]+)`")
FILES = {
    "/docs": ("index.html", "text/html"),
    "/docs/page.js": ("page.js", "text/javascript"),
    "/docs/schema.js": ("schema.js", "text/javascript"),
    "/docs/page.css": ("page.css", "text/css"),
    "/docs/icon.svg": ("icon.svg", "image/svg+xml"),
}


@dataclass(frozen=True, slots=True)
class Page:
    """A file as it is served."""

    body: bytes
    media_type: str
    etag: str


def load() -> dict[str, Page]:
    """All pages by path."""
    found = {path: _page((FOLDER / name).read_bytes(), kind) for path, (name, kind) in FILES.items()}
    problems = (FOLDER / "problems.html").read_text("utf-8").replace("<!--problems-->", _rows())
    return found | {"/docs/problems": _page(problems.encode(), "text/html")}


def _page(body: bytes, media_type: str) -> Page:
    return Page(body, f"{media_type}; charset=utf-8", f'"{fingerprint(body).hex()}"')


def _rows() -> str:
    """One table row for each refusal this process knows, by code."""
    known = {fault.code: fault for fault in _subclasses(Fault) if "code" in vars(fault)}
    return "\n".join(
        f'<tr id="{html.escape(code)}"><td><a href="#{html.escape(code)}"><code>{html.escape(code)}</code></a></td>'
        f"<td>{int(fault.status)}</td><td>{_prose(inspect.getdoc(fault) or '')}</td></tr>"
        for code, fault in sorted(known.items())
    )


def _prose(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", html.escape(text))


def _subclasses(kind: type[Fault]) -> set[type[Fault]]:
    return {kind}.union(*(_subclasses(sub) for sub in kind.__subclasses__()))
