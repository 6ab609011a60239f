"""Reading the head of a request, and judging it before any app hears of it."""

import httptools

from shared.httpserver import heads
from shared.httpserver.asgi import TAKEN, Headers, Scope
from shared.httpserver.headers import find, framing_error

MAX_HEAD = 64 * 1024
MOST_HEADERS = 128
LONGEST_NAME = 2048  # judgements on names are remembered, so that names must not be what fills the memory
_NOTABLE = frozenset((b"host", b"expect", b"upgrade", b"content-length", b"transfer-encoding"))
_ASGI = {"version": "3.0", "spec_version": "2.3"}


class HeadReader:
    """What is known of the request whose head is being read; httptools calls the `on_…` of it."""

    def __init__(self) -> None:
        """Nothing has been read yet."""
        self.parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self.refusal: bytes = heads.MALFORMED  # the answer to what cannot be read
        self.overhead = 0  # bytes since the last that were of a body
        self.in_head = False
        self.ends: dict[str, object] = {}
        self.forget()

    def forget(self) -> None:
        """Begin with a next request."""
        self._url = b""
        self.headers: Headers = []
        self._hosts = 0
        self.expects = self.framed = self._upgrades = False

    def on_url(self, url: bytes) -> None:
        """Gather the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Gather the head; what comes after it are trailers, which nobody asked for."""
        if not self.in_head:
            return
        name = name.lower()
        self.headers.append((name, value))
        if name in _NOTABLE:
            if name == b"host":
                self._hosts += 1
            elif name == b"expect":
                self.expects = self.expects or value.lower() == b"100-continue"
            elif name == b"upgrade":
                self._upgrades = True
            else:
                self.framed = True

    def scope_of(self, parser: httptools.HttpRequestParser) -> tuple[Scope, bool]:
        """The request, and whether another may follow it; raises what the parser then raises when it is none."""
        version = parser.get_http_version()
        self._judge(version)
        path, raw_path, query = heads.target(self._url)
        scope: Scope = {
            "type": "http",
            "asgi": _ASGI,
            "http_version": version,
            "root_path": "",
            "method": parser.get_method().decode("ascii"),
            "path": path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": self.headers,
            TAKEN: True,
            **self.ends,
        }
        self.in_head = False
        self.overhead = 0
        return scope, version == "1.1" and not self._upgrades and parser.should_keep_alive()

    def head_size(self) -> int:
        """How large the head is that has just been read, near enough."""
        return len(self._url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _judge(self, version: str) -> None:
        """Refuse heads that another server might read otherwise."""
        if self._is_too_large():
            self.refusal = heads.TOO_LARGE
            raise ValueError("the head is too large")
        if version not in ("1.1", "1.0"):
            self.refusal = heads.UNKNOWN_VERSION
            raise ValueError("this version is not spoken here")
        if self._upgrades and self.framed:  # the parser takes what follows such a head for another protocol
            self.refusal = heads.NO_UPGRADE
            raise ValueError("a body with an Upgrade cannot be read")
        if self._hosts != 1 and (self._hosts or version == "1.1"):
            raise ValueError("a request has one Host")
        if self.framed and framing_error(self.headers):  # the parser would find it only after this
            raise ValueError("the body's end is in doubt")
        if self.framed and version == "1.0" and find(self.headers, b"transfer-encoding") is not None:
            raise ValueError("HTTP/1.0 has no Transfer-Encoding")

    def _is_too_large(self) -> bool:
        """Whether the head has more than anybody needs: in all, in lines, or in one name."""
        if len(self.headers) > MOST_HEADERS:
            return True
        if self.overhead <= LONGEST_NAME:  # the usual case
            return False
        return self.head_size() > MAX_HEAD or any(len(name) > LONGEST_NAME for name, _ in self.headers)
