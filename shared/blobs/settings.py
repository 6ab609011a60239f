"""From settings to a store: a folder, or a bucket of an S3-compatible server."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from obstore.store import LocalStore, ObjectStore, S3Store

from shared.base.settings import KernelSettings

ANSWER_SECONDS = 20.0  # how long a store may fail or be silent before that is told
EXAMPLES = "file:///var/lib/backoffice/blobs or s3://bucket/prefix"


class BlobsUnusable(RuntimeError):  # noqa: N818 - named for what it is
    """The store cannot keep files as it is configured; the process must not start."""


def store_of(settings: KernelSettings) -> tuple[ObjectStore, Path | None]:
    """The store that `blobs_url` names, and its folder if it is one; raises `BlobsUnusable`."""
    url = settings.blobs_url
    parts = urlsplit(url)
    place = unquote(parts.path)
    if parts.query or parts.fragment:
        raise BlobsUnusable(f"BACKOFFICE_BLOBS_URL is {url!r}; it is an address without ? and #: {EXAMPLES}.")
    if parts.scheme == "file" and not parts.netloc and place.startswith("/"):
        return _folder(Path(place), url)
    if parts.scheme == "s3" and parts.netloc:
        return _bucket(parts.netloc, place.strip("/"), settings), None
    raise BlobsUnusable(f"BACKOFFICE_BLOBS_URL is {url!r}; it names a folder or a bucket: {EXAMPLES}.")


def _folder(path: Path, url: str) -> tuple[ObjectStore, Path]:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return LocalStore(path), path
    except OSError as error:
        raise BlobsUnusable(
            f"The folder of BACKOFFICE_BLOBS_URL={url} cannot be made ({error.strerror}). Create it, or give this "
            "process's user the right to."
        ) from error


def _bucket(bucket: str, prefix: str, settings: KernelSettings) -> ObjectStore:
    """A bucket; without keys in the settings the machine's or pod's own identity is used, as AWS's tools do."""
    endpoint = settings.blobs_s3_endpoint
    config: dict[str, Any] = {"region": settings.blobs_s3_region}
    if endpoint:
        config |= {"endpoint": endpoint, "virtual_hosted_style_request": False}
    if settings.blobs_s3_access_key_id:
        config |= {
            "access_key_id": settings.blobs_s3_access_key_id,
            "secret_access_key": settings.blobs_s3_secret_access_key,
        }
    return S3Store(
        bucket,
        prefix=prefix or None,
        client_options={
            "allow_http": endpoint.startswith("http://"),
            "connect_timeout": "3s",
            "read_timeout": timedelta(seconds=ANSWER_SECONDS),
            "timeout": "15m",  # of a whole file, at the pace of whoever it is for
        },
        retry_config={"max_retries": 4, "retry_timeout": timedelta(seconds=ANSWER_SECONDS)},
        **config,
    )
