"""The store by itself: a folder and a real S3 server, whole files or none, and refusals that say what to do."""

import asyncio
import resource
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from shared.base.settings import KernelSettings
from shared.blobs.local import local_file
from shared.blobs.refs import BlobKey, BlobRef, sniffed
from shared.blobs.settings import BlobsUnusable
from shared.blobs.store import BlobLost, Measure, StoreAway, open_blobs
from tests.kit import suite
from tests.kit.s3 import S3Server

MIB = 1024 * 1024


def key() -> BlobKey:
    return BlobKey(uuid4(), "probe", uuid4())


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def ref_of(at: BlobKey, measure: Measure) -> BlobRef:
    return BlobRef(at, measure.size, measure.sha256, sniffed(measure.head), "", "")


async def parts(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    with S3Server.running() as server:
        yield server


@pytest.fixture(params=["folder", "s3"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> KernelSettings:
    if request.param == "folder":
        return suite.test_settings(blobs_url=(tmp_path / "blobs").as_uri())
    server: S3Server = request.getfixturevalue("s3_server")
    return suite.test_settings(**server.settings(prefix=uuid4().hex))


@pytest.mark.parametrize("size", [0, 1, 70_000, 5 * MIB, 12 * MIB + 1], ids=str)
async def test_a_file_comes_back_piece_by_piece_as_it_was_put(settings: KernelSettings, size: int):
    content = (bytes(range(256)) * (size // 256 + 1))[:size]
    async with open_blobs(settings) as blobs:
        at = key()

        measure = await blobs.put(at, parts(*(content[n : n + 60_000] for n in range(0, size, 60_000))))
        pieces = [piece async for piece in await blobs.open(ref_of(at, measure))]

        assert b"".join(pieces) == content
        assert max(map(len, pieces), default=0) <= MIB
        assert await blobs.read(ref_of(at, measure)) == content


async def test_a_stream_that_fails_leaves_no_file_and_its_own_error(settings: KernelSettings):
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 7 * MIB
        raise ValueError("the sender's fault")

    async with open_blobs(settings) as blobs:
        at = key()

        with pytest.raises(ValueError, match="the sender's fault"):
            await blobs.put(at, broken())

        with pytest.raises(BlobLost):
            await blobs.open(BlobRef(at, 7 * MIB, b"", "", "", ""))


async def test_what_is_erased_is_gone_and_erasing_again_does_no_harm(settings: KernelSettings):
    async with open_blobs(settings) as blobs:
        at = key()
        ref = ref_of(at, await blobs.put(at, parts(b"short-lived")))

        await blobs.erase(at)
        await blobs.erase(at)

        with pytest.raises(BlobLost):
            await blobs.read(ref)


async def test_a_file_lies_at_a_path_for_the_length_of_a_block(settings: KernelSettings):
    content = bytes(range(256)) * 9000
    async with open_blobs(settings) as blobs:
        ref = ref_of(at := key(), await blobs.put(at, parts(content)))

        async with local_file(blobs, ref) as path:
            assert path.read_bytes() == content

        assert path.exists() == settings.blobs_url.startswith("file:")


async def test_a_copy_is_gone_whatever_ends_the_block_and_nobody_else_may_read_it(settings: KernelSettings):
    async with open_blobs(settings) as blobs:
        ref = ref_of(at := key(), await blobs.put(at, parts(b"private")))

        found: list[Path] = []

        async def cancelled() -> None:
            async with local_file(blobs, ref) as path:
                found.append(path)
                assert path.stat().st_mode & 0o077 == 0 or settings.blobs_url.startswith("file:")
                raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await cancelled()

        assert found[0].exists() == settings.blobs_url.startswith("file:")


async def test_a_damaged_file_has_no_path(settings: KernelSettings):
    async with open_blobs(settings) as blobs:
        ref = ref_of(at := key(), await blobs.put(at, parts(b"whole")))

        with pytest.raises(BlobLost, match="is not what was stored"):
            async with local_file(blobs, replace(ref, sha256=sha256(b"other").digest())):
                pytest.fail("it was given out")


async def test_tenants_and_services_of_one_store_are_apart(settings: KernelSettings):
    same = uuid4()
    one, other = uuid4(), uuid4()
    async with open_blobs(settings) as blobs:
        keys = [BlobKey(one, "orders", same), BlobKey(one, "billing", same), BlobKey(other, "orders", same)]
        refs = [ref_of(at, await blobs.put(at, parts(at.path.encode()))) for at in keys]

        await blobs.erase(keys[1])

        assert [await blobs.read(refs[n]) for n in (0, 2)] == [keys[n].path.encode() for n in (0, 2)]


async def test_a_start_leaves_what_readiness_reads(settings: KernelSettings):
    async with open_blobs(settings) as blobs:
        assert await blobs.reachable()


async def test_a_file_that_was_changed_or_cut_is_noticed(tmp_path: Path):
    async with open_blobs(suite.test_settings(blobs_url=tmp_path.as_uri())) as blobs:
        at = key()
        ref = ref_of(at, await blobs.put(at, parts(b"as it was")))

        (tmp_path / at.path).write_bytes(b"as it is!")
        with pytest.raises(BlobLost, match="is not what was stored"):
            await blobs.read(ref)
        (tmp_path / at.path).write_bytes(b"as")
        with pytest.raises(BlobLost, match="has 2 bytes, its row says 9"):
            await blobs.open(ref)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "names a folder or a bucket"),
        ("blobs", "names a folder or a bucket"),
        ("file://host/folder", "names a folder or a bucket"),
        ("s3:///prefix", "names a folder or a bucket"),
        ("https://bucket.example", "names a folder or a bucket"),
        ("file:///tmp/a?b=c", r"without \? and #"),
        ("file:///dev/null/blobs", "cannot be made"),
        ("file:///proc", "cannot be written and read"),
    ],
)
async def test_a_place_that_keeps_no_files_is_refused_with_the_remedy(url: str, told: str):
    with pytest.raises(BlobsUnusable, match=told):
        async with open_blobs(suite.test_settings(blobs_url=url)):
            pass


@pytest.mark.parametrize("wrong", ["bucket", "secret", "endpoint"])
async def test_a_bucket_that_cannot_be_used_is_refused_with_the_remedy(s3_server: S3Server, wrong: str):
    given = s3_server.settings(prefix="x")
    given |= {
        "bucket": {"blobs_url": "s3://no-such-bucket-here/x"},
        "secret": {"blobs_s3_secret_access_key": "not the secret"},
        "endpoint": {"blobs_s3_endpoint": "http://127.0.0.1:1"},
    }[wrong]

    with pytest.raises(BlobsUnusable, match="BACKOFFICE_BLOBS_S3_ENDPOINT"):
        async with open_blobs(suite.test_settings(**given)):
            pass


async def test_a_server_that_goes_away_is_told_as_such(tmp_path: Path):
    with S3Server.running() as server:
        async with open_blobs(suite.test_settings(**server.settings(prefix="p"))) as blobs:
            at = key()
            ref = ref_of(at, await blobs.put(at, parts(b"content")))
            server.stop()

            for attempt in (blobs.put(key(), parts(b"more")), blobs.open(ref), blobs.erase(at)):
                with pytest.raises(StoreAway):
                    await attempt


FULL = """
import asyncio, sys, uuid
from shared.base.settings import KernelSettings
from shared.blobs.local import local_file
from shared.blobs.refs import BlobKey
from shared.blobs.store import StoreAway, open_blobs

async def chunks():
    for _ in range(100):
        yield b"x" * 1_000_000

async def main():
    async with open_blobs(KernelSettings(blobs_url=sys.argv[1], log_level="CRITICAL")) as blobs:
        try:
            await blobs.put(BlobKey(uuid.uuid4(), "probe", uuid.uuid4()), chunks())
        except StoreAway:
            print("refused", await blobs.reachable())

asyncio.run(main())
"""


async def test_a_full_disk_refuses_the_file_and_keeps_nothing_of_it(tmp_path: Path):
    """RLIMIT_FSIZE: a write beyond 20 MB fails, as on a disk that has no more room."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000_000, 20_000_000))

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FULL, tmp_path.as_uri(), cwd=Path(__file__).parents[3], preexec_fn=limit,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()

    assert said.decode().splitlines()[-1] == "refused True", said.decode()
    assert names_in(tmp_path) == ["probe"]


KILLED = """
import asyncio, os, signal, sys, uuid
from shared.base.settings import KernelSettings
from shared.blobs.local import local_file
from shared.blobs.refs import BlobKey
from shared.blobs.store import open_blobs

async def chunks():
    for _ in range(20):
        yield b"x" * 1_000_000
    await asyncio.sleep(0.2)
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    async with open_blobs(KernelSettings(blobs_url=sys.argv[1])) as blobs:
        await blobs.put(BlobKey(uuid.UUID(sys.argv[2]), "probe", uuid.UUID(sys.argv[3])), chunks())

asyncio.run(main())
"""


async def test_what_a_killed_process_was_writing_is_no_file_and_is_erased(tmp_path: Path):
    tenant, file = uuid4(), uuid4()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, tmp_path.as_uri(), str(tenant), str(file), cwd=Path(__file__).parents[3]
    )
    await process.wait()
    at = BlobKey(tenant, "probe", file)
    left = names_in(tmp_path / str(tenant))
    async with open_blobs(suite.test_settings(blobs_url=tmp_path.as_uri())) as blobs:
        with pytest.raises(BlobLost):
            await blobs.open(BlobRef(at, 1, b"", "", "", ""))

        await blobs.erase(at)

    assert left == [f"{file}#1"], "obstore gathers a file elsewhere now; let `erase` look there"
    assert names_in(tmp_path / str(tenant)) == []


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"\x89PNG\r\n\x1a\n\x00", "image/png"), (b"\xff\xd8\xff\xe0", "image/jpeg"), (b"%PDF-1.7", "application/pdf"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"), (b"PK\x03\x04", "application/zip"),
        (b"<!doctype html><script>", "text/plain"), (b"a,b\r\n1,\xe9\n", "text/plain"),
        (b"\xff\xfea\x00", "text/plain"),
        (b"", "text/plain"), (b"\x00\x01\x02", "application/octet-stream"), (b"MZ\x90\x00", "application/octet-stream"),
    ],
)  # fmt: skip
def test_the_first_bytes_say_what_a_file_is(head: bytes, media_type: str):
    assert sniffed(head) == media_type


def test_a_path_is_made_of_ids_alone():
    at = BlobKey(UUID(int=1), "orders", UUID(int=2))

    assert at.path == "00000000-0000-0000-0000-000000000001/orders/00000000-0000-0000-0000-000000000002"
