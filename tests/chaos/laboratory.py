"""The laboratory: gateway, orders and billing twice each, over links to a database and a broker of their own."""

import asyncio
import contextlib
import itertools
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from deploy.cli.generate_deployment import processes
from deploy.run.suite import DATABASE
from services.all import NAMES
from tests.chaos.links import Link, Place
from tests.chaos.servers import BrokerServer, DatabaseServer, broker_server, database_server
from tests.kit.deployment import Deployment, migrated, planned
from tests.kit.program import Process, free_port
from tests.kit.suite import ROLE_SECRET, eventually

KINDS = ("gateway", *processes(NAMES))
REPLICAS = 2
HEARTBEAT_SECONDS = 3  # ten in earnest; here a pause must be longer than two of them
PROBE_SECONDS, PROBE_PATIENCE_SECONDS = 0.25, 1.0
SETTINGS = {"BACKOFFICE_LEAVE_SECONDS": "1", "BACKOFFICE_LOG_LEVEL": "WARNING"}


class Doors:
    """Which processes get requests: those whose /readyz says so, as any load balancer has it."""

    def __init__(self, processes: Iterable[Process]) -> None:
        self._processes = list(processes)
        self._ready: set[str] = set()
        self._turn = itertools.count()

    async def watch(self) -> None:
        """Ask each process again and again; who does not answer in time gets no new connections."""
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(trust_env=False, timeout=PROBE_PATIENCE_SECONDS, limits=limits) as http:
            await asyncio.gather(*(self._watch_one(http, process) for process in self._processes))

    async def _watch_one(self, http: httpx.AsyncClient, process: Process) -> None:
        while True:
            ready = False
            with contextlib.suppress(httpx.TransportError):
                ready = (await http.get(f"{process.url}/readyz?only=self")).status_code == 200
            (self._ready.add if ready else self._ready.discard)(process.name)
            await asyncio.sleep(PROBE_SECONDS)

    def of(self, kind: str) -> list[Process]:
        """The processes of a kind, in turn, those that are ready before those that are not."""
        found = [process for process in self._processes if process.name.startswith(kind)]
        turn = next(self._turn) % len(found)
        return sorted(found[turn:] + found[:turn], key=lambda process: process.name not in self._ready)

    def places(self, kind: str) -> Callable[[], Sequence[Place]]:
        """The same as addresses, for a link."""
        return lambda: [
            ("127.0.0.1", int(process.environment["BACKOFFICE_PORT"])) for process in self.of(kind)
        ]

    async def all_ready(self) -> bool:
        """Whether every process is."""
        return len(self._ready) == len(self._processes)


@dataclass
class Laboratory:
    """Everything that runs, and the ways between."""

    database: DatabaseServer
    broker: BrokerServer
    suite: Deployment
    doors: Doors
    links: dict[str, Link] = field(default_factory=dict)

    def kind(self, kind: str) -> list[Process]:
        """The processes of a kind."""
        return self.suite.named(kind)

    def ways(self, process: str, place: str) -> list[Link]:
        """The links from processes so named to a place so named."""
        return [
            link
            for name, link in self.links.items()
            if name.startswith(process) and name.endswith(f">{place}")
        ]

    async def back(self, *processes: Process) -> None:
        """Have killed processes started again, as an orchestrator would."""
        for process in processes:
            if not process.alive:
                process.spawn()
        for process in processes:
            await process.ready()

    def dead(self) -> list[str]:
        """Processes that have ended without being asked."""
        return [name for name, process in self.suite.processes.items() if not process.alive]

    async def ready(self, *, within: float = 60.0) -> None:
        """Wait until every process says that it is ready."""
        await eventually(self.doors.all_ready, within=within, every=0.1)

    def arm(self, process: Process, point: str, count: int) -> None:
        """Have a process kill itself the `count`th time that it passes a point; no point disarms it."""
        Path(process.environment["CHAOS_POINT"]).write_text(f"{point}\n{count}")
        process.signal(signal.SIGUSR1)


@asynccontextmanager
async def laboratory(*, preloaded: bool = True) -> AsyncIterator[Laboratory]:
    """A laboratory for the length of a block; nothing of it stays."""
    folder = Path(tempfile.mkdtemp(prefix="bo-chaos-suite-"))
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        database = await stack.enter_async_context(database_server())
        broker = await stack.enter_async_context(broker_server())
        await asyncio.to_thread(
            migrated,
            {
                "BACKOFFICE_DATABASE_URL": database.url,
                "BACKOFFICE_AMQP_URL": broker.server.url,
                "BACKOFFICE_ROLE_SECRET": ROLE_SECRET,
            },
        )
        suite = planned(
            database.url,
            role_secret=ROLE_SECRET,
            folder=folder,
            replicas=REPLICAS,
            preloaded=preloaded,
            **SETTINGS,
        )
        lab = Laboratory(database, broker, suite, Doors(suite.processes.values()))
        stack.callback(_close, lab)
        await _connect(lab)
        watching = asyncio.create_task(lab.doors.watch())
        stack.callback(watching.cancel)
        await suite.start()
        await lab.ready()
        yield lab


def _close(lab: Laboratory) -> None:
    lab.suite.kill_everything()
    for link in lab.links.values():
        link.close()


async def _connect(lab: Laboratory) -> None:
    """Open a link for each way, and tell each process of its own."""
    parts = urlsplit(lab.broker.server.url)
    for name in lab.suite.processes:
        lab.links[f"{name}>database"] = Link(lambda: [lab.database.socket])
        lab.links[f"{name}>broker"] = Link(lambda: [("127.0.0.1", lab.broker.server.port)])
        if name.startswith("gateway"):
            for service in NAMES:
                lab.links[f"{name}>{service}"] = Link(lab.doors.places(f"{service}-api"))
        else:
            lab.links[f"{name}>gateway"] = Link(lab.doors.places("gateway"))
    for link in lab.links.values():
        await link.open()
    for name, process in lab.suite.processes.items():
        ports = {place: lab.links[f"{name}>{place}"].port for place in ("database", "broker")}
        more = {
            "BACKOFFICE_DATABASE_URL": f"postgresql://postgres@127.0.0.1:{ports['database']}/{DATABASE}?sslmode=disable",
            "BACKOFFICE_AMQP_URL": f"amqp://{parts.username}:{parts.password}@127.0.0.1:{ports['broker']}/?heartbeat={HEARTBEAT_SECONDS}",
            "BACKOFFICE_PORT": str(free_port()),
            "CHAOS_POINT": str(lab.suite.folder / f"{name}.point"),
        }
        if name.startswith("gateway"):
            upstreams = {s: lab.links[f"{name}>{s}"].port for s in NAMES}
            more["BACKOFFICE_UPSTREAMS"] = ",".join(f"{s}=http://127.0.0.1:{p}" for s, p in upstreams.items())
        else:
            more["BACKOFFICE_GATEWAY_URL"] = f"http://127.0.0.1:{lab.links[f'{name}>gateway'].port}"
        process.environment = {**process.environment, **more}
        process.program = "tests.chaos.program"
