"""A real S3-compatible server for tests: SeaweedFS, whose program comes as a wheel, started privately on free ports."""

import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from obstore.exceptions import BaseError

from shared.base.settings import KernelSettings
from shared.blobs.settings import store_of
from tests.kit.program import free_port

BUCKET = "backoffice"
START_SECONDS = 60.0


class S3NotStarted(RuntimeError):  # noqa: N818 - named for what happened
    """The server did not come up; the sentence has the end of its log."""


@dataclass
class S3Server:
    """A running server with one bucket and one pair of keys."""

    folder: Path
    endpoint: str
    access_key: str
    secret_key: str
    process: "subprocess.Popen[bytes]"

    @classmethod
    @contextmanager
    def running(cls) -> "Iterator[S3Server]":
        """A server of our own, gone with its data at the end."""
        program = Path(sys.executable).with_name("weed")
        folder = Path(tempfile.mkdtemp(prefix="bo-s3-"))
        server = _started(program, folder)
        try:
            server._await_bucket()
            yield server
        finally:
            server.stop()
            shutil.rmtree(folder, ignore_errors=True)

    def settings(self, *, prefix: str) -> dict[str, str]:
        """The settings with which files are kept there."""
        return {
            "blobs_url": f"s3://{BUCKET}/{prefix}",
            "blobs_s3_endpoint": self.endpoint,
            "blobs_s3_access_key_id": self.access_key,
            "blobs_s3_secret_access_key": self.secret_key,
        }

    def stop(self) -> None:
        """End it, at once."""
        self.process.kill()
        self.process.wait()

    def _await_bucket(self) -> None:
        """Wait until it takes an object: the server answers before it has made its bucket."""
        deadline = time.monotonic() + START_SECONDS
        store, _ = store_of(KernelSettings(**self.settings(prefix="started")))  # type: ignore[arg-type]
        while True:
            try:
                store.put("started", b"")
            except (BaseError, OSError) as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise S3NotStarted((self.folder / "log").read_text()[-2000:]) from error
                time.sleep(0.05)
            else:
                return


def _started(program: Path, folder: Path) -> S3Server:
    access_key, secret_key = secrets.token_hex(10), secrets.token_hex(20)
    ports = {name: str(free_port()) for name in ("master", "volume", "filer", "s3", "admin")}
    grpc = {name: str(free_port()) for name in ports}
    command = [
        str(program), "mini", f"-dir={folder / 'data'}", "-ip=127.0.0.1", f"-bucket={BUCKET}",
        "-volume.max=8", "-s3.autoCreateBucket=false",
        "-admin.ui=false", "-webdav=false", "-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
        *(f"-{name}.port={port}" for name, port in ports.items()),
        *(f"-{name}.port.grpc={port}" for name, port in grpc.items()),
    ]  # fmt: skip
    (folder / "data").mkdir()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            cwd=folder,
            env={"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key, "HOME": str(folder)},
        )
    return S3Server(folder, f"http://127.0.0.1:{ports['s3']}", access_key, secret_key, process)
