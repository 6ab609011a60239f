"""A Compose project of a test's own: containers, volumes, networks and port."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[3]


@dataclass
class Composition:
    """A project of its own: containers, volumes, networks and port."""

    project: str
    port: int
    settings: dict[str, str] = field(default_factory=dict)  # what stands in `.env`

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def compose(self, *arguments: str, seconds: float = 600) -> str:
        """`docker compose …` for this project."""
        return self.piped(*arguments, seconds=seconds).decode()

    def piped(self, *arguments: str, given: bytes | None = None, seconds: float = 600) -> bytes:
        """The same with bytes to standard input and from standard output."""
        answer = self._run(arguments, given, seconds)
        told = answer.stdout[-4000:].decode(errors="replace") + answer.stderr[-6000:].decode(errors="replace")
        assert answer.returncode == 0, f"{arguments}: {told}"
        return answer.stdout

    def _run(
        self, arguments: Sequence[str], given: bytes | None, seconds: float
    ) -> subprocess.CompletedProcess[bytes]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("BACKOFFICE_", "COMPOSE_"))}
        environment |= {"BACKOFFICE_PORT": str(self.port), "BACKOFFICE_VERSION": "test", **self.settings}
        return subprocess.run(
            ["docker", "compose", "--env-file", "/dev/null", "-p", self.project, *arguments],
            cwd=REPOSITORY, env=environment, input=given, capture_output=True, timeout=seconds, check=False,
        )  # fmt: skip

    def up(self) -> None:
        """Start what is not running, and wait until all of it is healthy."""
        self.compose("up", "--build", "--wait", "--wait-timeout", "480", "--quiet-pull")

    def running(self) -> set[str]:
        """The services whose containers run now."""
        return set(self.compose("ps", "--services").split())

    def container(self, service: str) -> dict[str, Any]:
        """What the engine says about a service's container."""
        found = self.compose("ps", "--all", "--quiet", service).strip()
        answer = subprocess.run(["docker", "inspect", found], capture_output=True, text=True, check=True)
        document: dict[str, Any] = json.loads(answer.stdout)[0]
        return document

    def kill(self, service: str) -> None:
        """kill -9 of all that runs in a container, as if it had crashed: an engine starts it again."""
        script = "import os, signal; os.kill(-1, signal.SIGKILL)"
        self._run(["exec", "-T", service, "python", "-c", script], None, 60)  # it, too, dies

    def comes_back(self, service: str, *, seconds: float = 240) -> None:
        """Wait until the engine has started a service's container again and it is healthy."""
        deadline = time.monotonic() + seconds
        while True:
            state = self.container(service)
            if state["RestartCount"] > 0 and state["State"].get("Health", {}).get("Status") == "healthy":
                return
            assert time.monotonic() < deadline, f"{service} did not come back: {state['State']}"
            time.sleep(0.2)

    def credentials(self) -> dict[str, str]:
        """The operator's credentials, the way README tells to read them."""
        found: dict[str, str] = json.loads(self.compose("run", "--rm", "secrets", "show"))
        return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
