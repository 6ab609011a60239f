"""Secrets: how they are made, hashed and compared.

Client secrets may be chosen by people (the first operator's), so they are hashed slowly (argon2id, OWASP's
19 MiB and 2 passes); that runs in two threads of its own, because it takes some ten milliseconds of CPU: never more
than two at a time, so never more than 38 MiB, even where who asked has gone. API keys are always ours and hold 160
random bits, so a plain SHA-256 is enough and fast enough for each request.
"""

import asyncio
import hashlib
import re
import secrets
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
AT_ONCE = 2
_THREADS = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="secrets")
_API_KEY = re.compile(rb"bo_(live|test)_[0-9a-f]{48}")
# Compared when there is no such client, so that the time taken does not tell.
_NOBODY = _HASHER.hash(secrets.token_hex(16))


class SecretKeeper:
    """Hashes and compares client secrets without holding up the event loop."""

    async def hash(self, secret: str) -> str:
        """The hash to store."""
        return await asyncio.get_running_loop().run_in_executor(_THREADS, _HASHER.hash, secret)

    async def matches(self, stored: str | None, secret: str) -> bool:
        """Whether the secret is the one that was hashed; takes as long when there is none."""
        return await asyncio.get_running_loop().run_in_executor(_THREADS, _matches, stored, secret)


def _matches(stored: str | None, secret: str) -> bool:
    try:
        return _HASHER.verify(stored or _NOBODY, secret) and stored is not None
    except (Argon2Error, InvalidHashError):
        return False


def new_client_id() -> str:
    """A fresh client id."""
    return f"cl_{secrets.token_hex(12)}"


def new_secret() -> str:
    """A fresh client secret of 256 random bits."""
    return f"bo_secret_{secrets.token_urlsafe(32)}"


def new_api_key(kind: str) -> tuple[str, str]:
    """A fresh API key and the prefix by which people recognise it."""
    prefix = f"bo_{'test' if kind == 'sandbox' else 'live'}_{secrets.token_hex(4)}"
    return prefix + secrets.token_hex(20), prefix


def is_api_key(key: bytes) -> bool:
    """Whether it has the form of our API keys; what has not is nobody's."""
    return _API_KEY.fullmatch(key) is not None


def key_hash(key: bytes) -> bytes:
    """What is stored of an API key."""
    return hashlib.sha256(key).digest()
