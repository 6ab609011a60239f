"""A RabbitMQ of one test run, from the `rabbitmq-server` of this machine: own ports, own name, own folder, own epmd.

Debian's command switches to the account of the installed service; the program behind it runs as whoever calls it.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from shared.values.ids import new_id

USER = PASSWORD = "backoffice"
READY_SECONDS = 180.0  # on a busy machine; else a tenth of it
PLACES = ("/usr/lib/rabbitmq/lib", "/usr/local/lib/rabbitmq/lib", "/opt/homebrew/opt/rabbitmq")
POLICY = Path("/usr/sbin/policy-rc.d")


def _programs() -> Path | None:
    """The folder with RabbitMQ's own programs."""
    for place in PLACES:
        for found in (
            *Path(place).glob("rabbitmq_server-*/sbin/rabbitmq-server"),
            Path(place, "sbin/rabbitmq-server"),
        ):
            if found.exists() and shutil.which("erl"):
                return found.parent
    return None


def installed() -> bool:
    """Whether this machine has a rabbitmq-server."""
    return _programs() is not None


def installable() -> bool:
    """Whether we may install one: as root on Debian or Ubuntu."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install() -> None:
    """Install Debian's package, without starting the service that comes with it."""
    with (Path(tempfile.gettempdir()) / "bo-test-rabbit-install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if installed():
            return
        ours = not POLICY.exists()
        if ours:
            POLICY.write_text("#!/bin/sh\nexit 101\n")
            POLICY.chmod(0o755)
        try:
            for command in ("update", "install -y --no-install-recommends rabbitmq-server"):
                subprocess.run(
                    ["/usr/bin/apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", *command.split()],
                    check=True,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
                )
        finally:
            if ours:
                POLICY.unlink()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class LocalServer:
    """A RabbitMQ node in a folder."""

    folder: Path
    programs: Path
    port: int = field(default_factory=free_port)
    api_port: int = field(default_factory=free_port)
    epmd_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The AMQP address."""
        return f"amqp://{USER}:{PASSWORD}@127.0.0.1:{self.port}/"

    @property
    def api(self) -> str:
        """The management address."""
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def ctl(self) -> Path:
        """The `rabbitmqctl` beside the server."""
        return self.programs / "rabbitmqctl"

    @property
    def environment(self) -> dict[str, str]:
        """What makes programs of RabbitMQ speak of this node and touch nothing of the machine's own."""
        return {
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": f"{self.folder.name}@localhost",
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_ALLOW_INPUT": "1",  # without a shell around it, so that our child is the server itself
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP": str(self.folder / "erl_crash.dump"),
        }

    def start(self) -> None:
        """Start the node on what its folder holds, and wait until it answers."""
        (self.folder / "epmd-port").write_text(str(self.epmd_port))
        (self.folder / "enabled_plugins").write_text("[rabbitmq_management].\n")
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\nmanagement.tcp.ip = 127.0.0.1\n"
            f"management.tcp.port = {self.api_port}\ndefault_user = {USER}\ndefault_pass = {PASSWORD}\n"
        )
        command = [str(self.programs / "rabbitmq-server"), "-noinput"]
        if setpriv := shutil.which("setpriv"):  # so that a killed test run leaves no broker behind
            command = [setpriv, "--pdeathsig", "TERM", *command]
        with (self.folder / "output").open("ab") as output:
            self.process = subprocess.Popen(
                command,
                env=os.environ | self.environment | {"RABBITMQ_DIST_PORT": str(free_port())},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        wait_until_ready(
            self.port, self.api, alive=lambda: self.process is None or self.process.poll() is None
        )

    def kill(self) -> None:
        """End the node as a power cut would."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """End the node as its operator would: it writes everything and says goodbye."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def crash(self) -> None:
        """Kill the node and start it again on what it had on its disk."""
        self.kill()
        self.start()


@contextmanager
def running() -> Iterator[LocalServer]:
    """A node of its own for the length of a block."""
    programs = _programs()
    if programs is None:
        raise FileNotFoundError("no rabbitmq-server on this machine; apt install rabbitmq-server")
    _sweep()
    folder = Path(tempfile.gettempdir()) / f"bo-rabbit-{os.getpid()}-{new_id().hex[-12:]}"
    folder.mkdir(mode=0o700)
    server = LocalServer(folder, programs)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        _end_epmd(server.epmd_port)
        shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    """Clean up after test runs that were killed: their brokers went with them, their port mappers did not."""
    for folder in Path(tempfile.gettempdir()).glob("bo-rabbit-*-*"):
        if not Path("/proc", folder.name.split("-")[2]).exists():
            with suppress(OSError, ValueError):
                _ask_epmd_to_end(int((folder / "epmd-port").read_text()))
            shutil.rmtree(folder, ignore_errors=True)


def _end_epmd(port: int) -> None:
    """End the port mapper that our node has started; it refuses until it has seen the node go."""
    for _ in range(50):
        if _ask_epmd_to_end(port):
            return
        time.sleep(0.1)


def _ask_epmd_to_end(port: int) -> bool:
    command = [shutil.which("epmd") or "epmd", "-port", str(port), "-kill"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def wait_until_ready(port: int, api: str, *, alive: Callable[[], bool]) -> None:
    """Wait until a broker takes connections and its management answers."""
    deadline = time.monotonic() + READY_SECONDS
    with httpx.Client(base_url=api, auth=(USER, PASSWORD), timeout=5) as management:
        while not _answers(port, management):
            if not alive() or time.monotonic() > deadline:
                raise TimeoutError(f"RabbitMQ on port {port} was not ready within {READY_SECONDS:.0f} s")
            time.sleep(0.1)


def _answers(port: int, management: httpx.Client) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return management.get("/api/overview").status_code == 200
    except (OSError, httpx.HTTPError):
        return False
