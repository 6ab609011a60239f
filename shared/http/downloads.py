"""Downloads: a kept file as an answer, streamed from the store after the transaction, and never shown inline."""

from urllib.parse import quote

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared.base import telemetry
from shared.blobs.refs import BlobRef
from shared.blobs.store import BlobLost, Blobs, StoreAway
from shared.context.ctx import Ctx
from shared.http import problems

log = structlog.get_logger()
# Characters that some program takes for more than a part of a name: paths, quotes, devices, patterns.
UNSAFE = frozenset('/\\:*?"<>|%;')
SAFE_IN_8187 = "!#$&+-.^_`|~"  # attr-char of RFC 8187, beside letters and digits


def attachment(name: str) -> str:
    """Content-Disposition (RFC 6266) that has a browser save a file under a name, whatever a client once called it."""
    clean = "".join(
        "_" if c in UNSAFE or not c.isprintable() or "\ud800" <= c <= "\udfff" else c for c in name
    )
    clean = clean.strip(" .")[:200] or "file"
    plain = "".join(c if c.isascii() else "_" for c in clean)
    disposition = f'attachment; filename="{plain}"'
    if plain != clean:
        disposition += f"; filename*=UTF-8''{quote(clean, safe=SAFE_IN_8187)}"
    return disposition


class Download(Response):
    """A kept file, opened when the transaction that looked it up is over."""

    def __init__(self, ctx: Ctx, ref: BlobRef, *, name: str) -> None:
        """`name` is what it is saved under; its type is what the bytes say, not what the sender claimed."""
        super().__init__(
            status_code=200,
            media_type=ref.media_type if ref.media_type != "text/plain" else "text/plain; charset=utf-8",
            headers={
                "content-disposition": attachment(name),
                "x-content-type-options": "nosniff",
                "content-security-policy": "sandbox; default-src 'none'",
                "cache-control": "private, no-store",
            },
        )
        del self.headers["content-length"]  # of the empty body it was made with
        self.headers["content-length"] = str(ref.size)
        self._blobs = ctx.port(Blobs)
        self._ref = ref
        self._trace_id = telemetry.trace_id(ctx.traceparent)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file; what breaks after the first byte breaks the connection, so that nobody takes it for whole."""
        try:
            pieces = await self._blobs.open(self._ref)
        except StoreAway as fault:
            await problems.problem(fault, trace_id=self._trace_id)(scope, receive, send)
            return
        except BlobLost:
            log.exception("a kept file cannot be read", key=self._ref.key.path, trace_id=self._trace_id)
            await problems.problem_response(
                500, "internal_error", "Something went wrong on our side; quote the trace_id.", self._trace_id
            )(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
