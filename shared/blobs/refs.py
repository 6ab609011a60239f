"""What is known of a file: whose it is, how large, what its bytes are; and where the store keeps it."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class BlobKey:
    """A file's place in the store: tenant, service, id. Nothing that a client has written is part of it."""

    tenant_id: UUID
    service: str
    id: UUID

    @property
    def path(self) -> str:
        """The path below the store's root; the tenant comes first, so that a tenant's files can be told apart."""
        return f"{self.tenant_id}/{self.service}/{self.id}"


def key_at(path: str) -> BlobKey | None:
    """The key that a path below the store's root stands for, if it is a file's."""
    tenant, _, rest = path.partition("/")
    service, _, file = rest.partition("/")
    try:
        key = BlobKey(UUID(tenant), service, UUID(file))
    except ValueError:
        return None
    return key if key.path == path else None


@dataclass(frozen=True, slots=True)
class BlobRef:
    """One file, as it was measured while it came in.

    `media_type` is what its first bytes say, `claimed_type` and `file_name` are the sender's words: to be shown, never
    to be believed.
    """

    key: BlobKey
    size: int
    sha256: bytes
    media_type: str
    claimed_type: str
    file_name: str

    @property
    def id(self) -> UUID:
        """What a row that refers to the file keeps."""
        return self.key.id


HEAD = 512  # how many of the first bytes tell what a file is
BINARY = "application/octet-stream"
SIGNATURES: tuple[tuple[bytes, int, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF87a", 0, "image/gif"),
    (b"GIF89a", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
    (b"%PDF-", 0, "application/pdf"),
    (b"PK\x03\x04", 0, "application/zip"),  # also what office programs write
    (b"\x1f\x8b", 0, "application/gzip"),
)
MARKS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16


def sniffed(head: bytes) -> str:
    """The media type that a file's first bytes say; text of any kind, HTML included, is plain text."""
    for signature, at, media_type in SIGNATURES:
        if head[at : at + len(signature)] == signature:
            return media_type
    if head[:2] in MARKS or not any(byte < 9 or 13 < byte < 32 for byte in head):
        return "text/plain"
    return BINARY
