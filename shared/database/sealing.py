"""Sealed columns: values that the database never holds in clear, under keys that it never sees.

AES-256-GCM (NIST SP 800-38D) with a random nonce. Each tenant's values are under a key of their own, derived (HKDF)
from the newest of the keys that the process was given, so that the 2³² random nonces a key is good for count per
tenant. What was sealed opens only where it was sealed: service, tenant, table, column and row are its associated
data. It is padded, so that its length says little. Nothing is ever taken for clear text, and nothing that does not
open is handed on as it is (docs/adr/0023).
"""

import base64
import binascii
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema
from sqlalchemy import Dialect, LargeBinary, MetaData
from sqlalchemy.types import TypeDecorator

SETTING = "BACKOFFICE_SEALING_KEYS"
KEY_BYTES: Final = 32
BLOCK: Final = 64  # what is sealed is as long as a multiple of this
MOST_CIPHERS: Final = 1024  # of tenants, kept by a keyring
_VERSION = b"\x01"
_ID_BYTES, _NONCE_BYTES = 8, 12
_NONCE_AT = len(_VERSION) + _ID_BYTES
_TEXT_AT = _NONCE_AT + _NONCE_BYTES
KEY_ID_SQL = "encode(substring({} from 2 for 8), 'hex')"
"""SQL of the key id of a sealed column."""


class SealingKeysWrong(RuntimeError):  # noqa: N818 - a refusal named by its reason
    """The process lacks a key that it needs, or was given something that is none; it must not start."""


class DoesNotOpen(RuntimeError):  # noqa: N818 - named for what happened
    """A sealed value does not open: another row's, altered, or under a key that is not known here."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value is sealed, and so where alone it opens."""

    tenant_id: UUID
    table: str
    column: str
    row_id: UUID

    def __str__(self) -> str:
        """The record and field, as audit rows and errors name them."""
        return f"{self.table}/{self.row_id}#{self.column}"


class Sealed(bytes):
    """A sealed value as its column holds it: version, key id, nonce, ciphertext with its tag."""

    __slots__ = ()

    @property
    def key_id(self) -> str:
        """Which key opens it."""
        return self[len(_VERSION) : _NONCE_AT].hex()

    def __repr__(self) -> str:
        """Only the key: the rest says nothing to anybody."""
        return f"<sealed with {self.key_id}>"

    __str__ = __repr__

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """A column's value in a model; in JSON no more than its repr."""
        return core_schema.is_instance_schema(cls, serialization=core_schema.to_string_ser_schema())


class SealedColumn(TypeDecorator[Sealed]):
    """The type of a sealed column (`bytea`); what was not sealed is refused before it reaches the database."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Sealed | None, dialect: Dialect) -> Sealed | None:  # noqa: ARG002
        """Let sealed values through."""
        if value is not None and not isinstance(value, Sealed):
            raise TypeError("a sealed column takes what was sealed for it, nothing else")
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> Sealed | None:  # noqa: ANN401, ARG002
        """Know a sealed value as one."""
        return None if value is None else Sealed(value)


class Keyring:
    """The keys of one service: the newest, which comes first, seals; each opens what it has sealed."""

    def __init__(self, keys: Sequence[bytes], *, service: str) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise SealingKeysWrong(f"{SETTING}: a key is {KEY_BYTES} bytes.")
        self._service = service
        self._keys = {_mac(key, b"backoffice sealing key id")[:_ID_BYTES].hex(): key for key in keys}
        if len(self._keys) != len(keys):
            raise SealingKeysWrong(f"{SETTING} names a key twice.")
        self.newest = next(iter(self._keys))
        self._digest_keys = [_derived(key, b"digest", service) for key in keys]
        self._ciphers: dict[tuple[str, UUID], AESGCM] = {}
        self._for_facts: dict[str, Keyring] = {}

    @classmethod
    def parse(cls, text: str, *, service: str) -> "Keyring":
        """Keys as they are set: 32 bytes each in URL-safe base64, by blanks, lines or commas; the newest first."""
        return cls(
            [_key_of(n, part) for n, part in enumerate(text.replace(",", " ").split(), 1)], service=service
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the keys, made of the keys themselves, so that none can be mistaken for another."""
        return tuple(self._keys)

    def __repr__(self) -> str:
        """The ids alone."""
        return f"Keyring({', '.join(self.ids)})"

    def seal(self, place: Place, value: object) -> Sealed:
        """Seal a value (whatever JSON can say) for its place."""
        head = _VERSION + bytes.fromhex(self.newest)
        nonce = os.urandom(_NONCE_BYTES)
        cipher = self._cipher(self.newest, place.tenant_id)
        return Sealed(
            head + nonce + cipher.encrypt(nonce, _padded(orjson.dumps(value)), self._bound(head, place))
        )

    def open(self, place: Place, sealed: Sealed) -> Any:  # noqa: ANN401 - what was sealed
        """The value that was sealed there; raises `DoesNotOpen`, which says the place and never the value."""
        if sealed.key_id not in self._keys or sealed[: len(_VERSION)] != _VERSION:
            raise DoesNotOpen(
                f"{self._service}: {place} is sealed with key {sealed.key_id}, which is not known here."
            )
        cipher, head = self._cipher(sealed.key_id, place.tenant_id), sealed[:_NONCE_AT]
        try:
            padded = cipher.decrypt(sealed[_NONCE_AT:_TEXT_AT], sealed[_TEXT_AT:], self._bound(head, place))
        except (InvalidTag, ValueError):
            raise DoesNotOpen(f"{self._service}: {place} holds what was not sealed there.") from None
        return orjson.loads(padded.rstrip(b"\0")[:-1])

    def for_facts(self, publisher: str) -> "Keyring":
        """The same keys for what a service tells another one sealed; who shares the keys opens it."""
        if publisher not in self._for_facts:
            self._for_facts[publisher] = Keyring(list(self._keys.values()), service=f"facts of {publisher}")
        return self._for_facts[publisher]

    def digests(self, data: bytes) -> list[bytes]:
        """Keyed digests of some bytes, by the newest key first: without a key nobody can try values against them."""
        return [_mac(key, data) for key in self._digest_keys]

    def _cipher(self, key_id: str, tenant_id: UUID) -> AESGCM:
        """The cipher of a tenant; kept, as deriving its key costs more than opening a value."""
        found = self._ciphers.get((key_id, tenant_id))
        if found is None:
            if len(self._ciphers) >= MOST_CIPHERS:
                self._ciphers.clear()
            found = AESGCM(_derived(self._keys[key_id], b"columns", self._service, str(tenant_id)))
            self._ciphers[key_id, tenant_id] = found
        return found

    def _bound(self, head: bytes, place: Place) -> bytes:
        parts = [self._service, str(place.tenant_id), place.table, place.column, str(place.row_id)]
        return bytes(head) + orjson.dumps(parts)


def _key_of(number: int, text: str) -> bytes:
    """A key from its text, of which no message may say anything."""
    try:
        key = base64.b64decode(
            text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True
        )
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise SealingKeysWrong(
            f"{SETTING}: key number {number} is not {KEY_BYTES} bytes in URL-safe base64. Make one with "
            "`python3 -c 'import secrets; print(secrets.token_urlsafe(32))'`."
        )
    return key


def _derived(key: bytes, purpose: bytes, *names: str) -> bytes:
    return HKDF(
        SHA256(), KEY_BYTES, salt=None, info=orjson.dumps(["backoffice", purpose.decode(), *names])
    ).derive(key)


def _mac(key: bytes, data: bytes) -> bytes:
    mac = HMAC(key, SHA256())
    mac.update(data)
    return mac.finalize()


def _padded(data: bytes) -> bytes:
    """Filled up to a multiple of `BLOCK` (ISO/IEC 7816-4): the length of a number must not tell whose it is."""
    marked = data + b"\x80"
    return marked + b"\0" * (-len(marked) % BLOCK)


def sealed_columns(metadatas: Iterable[MetaData]) -> dict[str, list[str]]:
    """The sealed columns of a service's tables, by table."""
    found: dict[str, list[str]] = {}
    for metadata in metadatas:
        for table in metadata.sorted_tables:
            names = [column.name for column in table.columns if isinstance(column.type, SealedColumn)]
            if names:
                found[table.name] = names
    return found


def keyring_for(service: str, metadatas: Iterable[MetaData], keys: str, *, keyring: str) -> Keyring | None:
    """A service's keys, those of a keyring; None for one that seals nothing, whatever the process was given."""
    columns = sealed_columns(metadatas)
    if not columns:
        return None
    return Keyring.parse(keys, service=service) if keys.strip() else _no_keys(service, columns, keyring)


def keys_setting(keyring: str) -> str:
    """The setting of a keyring's keys: BACKOFFICE_SEALING_KEYS_BILLING."""
    return f"{SETTING}_{keyring.upper()}"


def _no_keys(service: str, columns: dict[str, list[str]], keyring: str) -> Keyring:
    named = ", ".join(f"{table}.{column}" for table, names in columns.items() for column in names)
    setting = keys_setting(keyring)
    raise SealingKeysWrong(
        f"{service} has sealed columns ({named}) and was given no key. Set {setting}, or put it into a file "
        f"{setting.lower()} in a folder of BACKOFFICE_SECRETS_DIR (docs/operations.md, Sealing keys)."
    )


USED = "select key_id, count(*) as tenants from sealing_keys group by key_id order by key_id"


async def require_known_keys(sql: asyncpg.Connection, service: str, keyring: Keyring) -> None:
    """Refuse to start where something is sealed with a key that is not known; asked under the worker role."""
    unknown = [row for row in await sql.fetch(USED) if row["key_id"] not in keyring.ids]
    if unknown:
        named = ", ".join(f"{row['key_id']} ({row['tenants']} tenants)" for row in unknown)
        raise SealingKeysWrong(
            f"{service} has values sealed with keys that are not in {SETTING}: {named}. Add them behind the newest; "
            "`backoffice sealing reseal` makes an old key needless (docs/operations.md, Sealing keys)."
        )
