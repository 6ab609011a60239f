"""The gateway's public keys, fetched over HTTP by services that run as processes of their own."""

from collections.abc import Awaitable, Callable

import httpx
from joserfc.jwk import KeySet

PATH = "/.well-known/jwks.json"
FETCH_SECONDS = 2.0


def keys_from(gateway_url: str) -> Callable[[], Awaitable[KeySet]]:
    """A `fetch_keys` for the services' verifiers; it raises whatever went wrong, and they go on with what they have."""

    async def fetch() -> KeySet:
        async with httpx.AsyncClient(timeout=FETCH_SECONDS, trust_env=False) as client:
            answer = await client.get(gateway_url.rstrip("/") + PATH)
        return KeySet.import_key_set(answer.raise_for_status().json())

    return fetch
