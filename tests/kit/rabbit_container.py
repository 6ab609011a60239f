"""A RabbitMQ of one test run in a container.

It is swept up by whoever comes next if this process is killed, instead of by testcontainers' reaper: that is
one more image to fetch.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kit.rabbit_local import PASSWORD, USER, free_port, wait_until_ready

IMAGE = "rabbitmq:4-management"
LABEL = "backoffice.test.process"


@dataclass
class ContainerServer:
    """A RabbitMQ in a container, on fixed ports of 127.0.0.1 so that it comes back where it was."""

    port: int
    api_port: int
    container: Any

    @property
    def url(self) -> str:
        """The AMQP address."""
        return f"amqp://{USER}:{PASSWORD}@127.0.0.1:{self.port}/"

    @property
    def api(self) -> str:
        """The management address."""
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def ctl(self) -> list[str]:
        """`rabbitmqctl` inside the container."""
        return [shutil.which("docker") or "docker", "exec", self.container.id, "rabbitmqctl"]

    def crash(self) -> None:
        """Kill the broker and start it again on what it had on its disk."""
        self.container.kill()
        self.container.wait()
        self.container.start()
        self.wait()

    def wait(self) -> None:
        """Wait until it answers."""
        wait_until_ready(self.port, self.api, alive=lambda: True)


def demanded() -> bool:
    """Whether a missing Docker engine is a failure, as in continuous integration."""
    return os.environ.get("BACKOFFICE_REQUIRE_DOCKER") == "1"


def available() -> bool:
    """Whether a Docker engine answers."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    command = [docker, "version", "--format", "{{.Server.Version}}"]
    try:
        return subprocess.run(command, check=False, capture_output=True, timeout=20).returncode == 0
    except subprocess.TimeoutExpired:
        return False


@contextmanager
def running() -> Iterator[ContainerServer]:
    """A broker of its own for the length of a block."""
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.container import DockerContainer

    testcontainers_config.ryuk_disabled = True
    _sweep()
    port, api_port = free_port(), free_port()
    described = (
        DockerContainer(IMAGE)
        .with_env("RABBITMQ_DEFAULT_USER", USER)
        .with_env("RABBITMQ_DEFAULT_PASS", PASSWORD)
        .with_kwargs(labels={LABEL: str(os.getpid())})
    )
    ports: Any = {"5672/tcp": ("127.0.0.1", port), "15672/tcp": ("127.0.0.1", api_port)}
    described.ports = ports  # with the address, which `with_bind_ports` does not take
    with described as started:
        server = ContainerServer(port, api_port, started.get_wrapped_container())
        server.wait()
        yield server


def _sweep() -> None:
    """Remove the containers of test runs that were killed."""
    docker = shutil.which("docker") or "docker"
    listing = subprocess.run(
        [
            docker,
            "ps",
            "-a",
            "--filter",
            f"label={LABEL}",
            "--format",
            f'{{{{.ID}}}} {{{{.Label "{LABEL}"}}}}',
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for line in listing.splitlines():
        container, _, process = line.partition(" ")
        if not Path("/proc", process).exists():
            subprocess.run([docker, "rm", "-fv", container], check=False, capture_output=True)
