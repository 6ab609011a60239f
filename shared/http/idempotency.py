"""Idempotency keys: the same request answered twice takes effect once.

The answer is stored in the transaction that made it. A second request with the key finds either the answer
(replayed), the first still at work (409 with Retry-After), or another body under the key (422).
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson
from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from shared.context.closing_statement import StoredReply
from shared.context.ctx import Ctx
from shared.context.sealed_fields import READ_SEALED
from shared.database.sealing import Keyring
from shared.values.faults import Busy, Invalid, Malformed

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

KEPT_HEADERS = ("content-type", "location", "etag")
HASH = 32  # bytes
ONCE_HEADER = (
    "x-internal-once"  # names fields (commas) that are answered once and never stored: a secret, a recipient
)
LOCK = "select pg_try_advisory_xact_lock(hashtextextended($1, 0))"
FIND = (
    "select request_hash, status, headers, body from idempotency_keys "
    "where tenant_id = $1 and client_id = $2 and key = $3"
)
CLAIM = """
select n, pg_try_advisory_xact_lock(hashtextextended(name, 0)) as claimed
from unnest($1::text[]) with ordinality as given(name, n)
"""
USED = """
select client_id, key from idempotency_keys
where tenant_id = $1 and (client_id, key) in (select * from unnest($2::text[], $3::text[]))
"""


class IdempotencyMismatch(Invalid):
    """The key was used for another request."""

    code = "idempotency_mismatch"


def answered_once(*fields: str) -> Any:  # noqa: ANN401 - what FastAPI's Depends answers
    """Dependency of a route whose answer has these fields for its caller only: the kept reply has null there."""

    def mark(response: Response) -> None:
        response.headers[ONCE_HEADER] = ",".join(fields)

    return Depends(mark)


def key_of(request: Request) -> str | None:
    """The request's Idempotency-Key, if it has one; refuses keys that could not be kept."""
    key = request.headers.get("idempotency-key")
    if key is not None and not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
        raise Malformed("Idempotency-Key must be 1 to 255 printable ASCII characters.")
    return key


def hash_of(request: Request, body: bytes, keyring: Keyring | None) -> bytes:
    """What makes two requests the same: method, path, query and body. Of several hashes the first is kept.

    Of a service with sealed columns they are keyed, by each of its keys: from a plain hash of a request whoever reads
    the table could find the account number in it by trying. The plain one stands last, for answers kept before.
    """
    content = _head(request) + body
    plain = sha256(content).digest()
    return plain if keyring is None else b"".join([*keyring.digests(content), plain])


def begun_hash(request: Request) -> "Hash":
    """The plain hash of a request whose body is still to be added, piece by piece."""
    return sha256(_head(request))


def hash_of_upload(whole: "Hash", keyring: Keyring | None) -> bytes:
    """The same of a body that nobody holds: its keyed hashes are of the plain one."""
    plain = whole.digest()
    return plain if keyring is None else b"".join([*keyring.digests(plain), plain])


def hash_of_form(request: Request, parts: Iterable[tuple[str, bytes]], keyring: Keyring | None) -> bytes:
    """The same of a form, by what its parts hold: name and SHA-256 of each, in any order.

    Boundary, part headers and file names are the sending library's, which makes a new boundary for each try.
    """
    whole = begun_hash(request)
    for name, content in sorted(parts):
        whole.update(sha256(name.encode()).digest() + content)
    return hash_of_upload(whole, keyring)


def _head(request: Request) -> bytes:
    query: bytes = request.scope["query_string"]
    return f"{request.method} {request.scope['path']}?".encode() + query + b"\n"


async def replay(ctx: Ctx, key: str, request_hash: bytes) -> Response | None:
    """Claim the key for this transaction; returns the stored response if the work was done before."""
    if not await ctx.sql.fetchval(LOCK, _lock_name(ctx, key)):
        raise Busy("A request with this Idempotency-Key is still being worked on.")
    row = await ctx.sql.fetchrow(FIND, ctx.tenant.id, ctx.actor.id, key)
    if row is None:
        return None
    if row["request_hash"] not in {request_hash[at : at + HASH] for at in range(0, len(request_hash), HASH)}:
        raise IdempotencyMismatch("This Idempotency-Key was used for another request.")
    headers = orjson.loads(row["headers"]) | {"idempotency-replayed": "true"}
    return Response(row["body"], row["status"], headers=headers)


async def claim(asked: Sequence[tuple[Ctx, str]]) -> list[bool]:
    """Claim the keys of several requests of one transaction; returns which of them are new and nobody's but ours."""
    if not asked:
        return []
    ctx = asked[0][0]
    by_key = [(ctx.actor.id, key) for ctx, key in asked]
    claims = await ctx.sql.fetch(CLAIM, [_lock_name(its_ctx, key) for its_ctx, key in asked])
    claimed = {row["n"] - 1 for row in claims if row["claimed"]}
    rows = await ctx.sql.fetch(USED, ctx.tenant.id, [c for c, _ in by_key], [k for _, k in by_key])
    used = {(row["client_id"], row["key"]) for row in rows}
    return [n in claimed and pair not in used and by_key.index(pair) == n for n, pair in enumerate(by_key)]


def _lock_name(ctx: Ctx, key: str) -> str:
    return f"{ctx.tenant.id}:{ctx.actor.id}:{key}"


def stored(ctx: Ctx, key: str, request_hash: bytes, response: Response) -> StoredReply:
    """The reply as it is kept. What shows a sealed value in full is never kept: the table would tell it."""
    if any(action == READ_SEALED for action, _ in ctx.work.audit):
        raise AssertionError(
            "a reply under an Idempotency-Key shows sealed values: reveal them in reads only"
        )
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    body = bytes(response.body)
    once = response.headers.get(ONCE_HEADER)
    if once is not None:
        body = orjson.dumps(orjson.loads(body) | dict.fromkeys(once.split(",")))
    return StoredReply(
        ctx.actor.id, key, request_hash[:HASH], response.status_code, orjson.dumps(headers).decode(), body
    )
