"""A PostgreSQL in a container, for tests: the version that deployments run, where the embedded one is newer."""

import contextlib
from pathlib import Path
from typing import Any

import docker
from docker.errors import NotFound
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.config import testcontainers_config

IMAGE = "postgres:17"


def start(note: Path, *, settings: dict[str, str]) -> str:
    """Start a server and return its superuser's address; `note` keeps what is needed to find and remove it."""
    if note.exists():
        _, url = note.read_text().splitlines()
        return url
    testcontainers_config.ryuk_disabled = (
        True  # the next run sweeps up; the reaper is one more image to fetch
    )
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    container = PostgresContainer(IMAGE, username="postgres", dbname="postgres", driver=None)
    container.with_command(["postgres", *options])
    container.with_kwargs(shm_size="256m")
    ports: Any = {"5432/tcp": ("127.0.0.1", None)}
    container.ports = ports  # with the address, which `with_bind_ports` does not take
    try:
        container.start()
        # Not get_connection_url(): where this machine is a container itself it names an address of the engine's.
        port = container.get_exposed_port(5432)
        url = f"postgresql://postgres:{container.password}@127.0.0.1:{port}/postgres"
    except BaseException:
        container.stop()
        raise
    note.write_text(f"{container.get_wrapped_container().id}\n{url}\n")
    return url


def remove(note: Path) -> None:
    """Remove the container that `start` noted, if there is one."""
    if not note.exists():
        return
    found, _ = note.read_text().splitlines()
    client = docker.from_env()
    try:
        with contextlib.suppress(NotFound):
            client.containers.get(found).remove(force=True, v=True)
    finally:
        client.close()
    note.unlink()
