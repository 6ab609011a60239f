"""A PostgreSQL in a container, for tests: the version that deployments run, where the embedded one is newer."""

import contextlib
from pathlib import Path

import docker
from docker.errors import NotFound
from testcontainers.community.postgres import PostgresContainer

IMAGE = "postgres:17"


def start(note: Path, *, settings: dict[str, str]) -> str:
    """Start a server and return its superuser's address; `note` keeps what is needed to find and remove it."""
    if note.exists():
        _, url = note.read_text().splitlines()
        return url
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    container = PostgresContainer(IMAGE, username="postgres", dbname="postgres", driver=None)
    container.with_command(["postgres", *options, "-c", "max_connections=300"])
    container.with_kwargs(shm_size="256m")
    try:
        container.start()
        url = container.get_connection_url()
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
