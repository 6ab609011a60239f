"""Idempotency keys: the same request answered twice takes effect once.

The answer is stored in the transaction that made it. A second request with the key finds either the answer
(replayed), the first still at work (409 with Retry-After), or another body under the key (422).
"""

from hashlib import sha256

import orjson
from starlette.requests import Request
from starlette.responses import Response

from shared.ctx import Ctx
from shared.faults import Busy, Invalid, Malformed
from shared.work import StoredAnswer

KEPT_HEADERS = ("content-type", "location", "etag")
ONCE_HEADER = "x-internal-once"  # names a field that is answered once and never stored: a secret
LOCK = "select pg_try_advisory_xact_lock(hashtextextended($1, 0))"
FIND = (
    "select request_hash, status, headers, body from idempotency_keys "
    "where tenant_id = $1 and client_id = $2 and key = $3"
)


class IdempotencyMismatch(Invalid):
    """The key was used for another request."""

    code = "idempotency_mismatch"


def key_of(request: Request) -> str | None:
    """The request's Idempotency-Key, if it has one; refuses keys that could not be kept."""
    key = request.headers.get("idempotency-key")
    if key is not None and not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
        raise Malformed("Idempotency-Key must be 1 to 255 printable ASCII characters.")
    return key


def hash_of(request: Request, body: bytes) -> bytes:
    """What makes two requests the same: method, path, query and body."""
    head = f"{request.method} {request.scope['path']}?".encode() + request.scope["query_string"] + b"\n"
    return sha256(head + body).digest()


async def replay(ctx: Ctx, key: str, request_hash: bytes) -> Response | None:
    """Claim the key for this transaction; answers the stored response if the work was done before."""
    if not await ctx.sql.fetchval(LOCK, f"{ctx.tenant.id}:{ctx.actor.id}:{key}"):
        raise Busy("A request with this Idempotency-Key is still being worked on.")
    row = await ctx.sql.fetchrow(FIND, ctx.tenant.id, ctx.actor.id, key)
    if row is None:
        return None
    if row["request_hash"] != request_hash:
        raise IdempotencyMismatch("This Idempotency-Key was used for another request.")
    headers = orjson.loads(row["headers"]) | {"idempotency-replayed": "true"}
    return Response(row["body"], row["status"], headers=headers)


def stored(ctx: Ctx, key: str, request_hash: bytes, response: Response) -> StoredAnswer:
    """The answer as it is kept."""
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    body = bytes(response.body)
    once = response.headers.get(ONCE_HEADER)
    if once is not None:
        body = orjson.dumps(orjson.loads(body) | {once: None})
    return StoredAnswer(
        ctx.actor.id, key, request_hash, response.status_code, orjson.dumps(headers).decode(), body
    )
