"""Serving one process: uvicorn under our own signals, so that everything behind it stops after it, in order."""

import asyncio
import contextlib
import gc
import resource
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import cast

import structlog
import uvicorn

from deploy.run.settings import DeploySettings
from shared.httpserver.admission import Admission
from shared.httpserver.asgi import AsgiApp
from shared.httpserver.connection import HttpConnection
from shared.httpserver.limits import ServerLimits
from shared.httpserver.write_batch import WriteBatch
from shared.values.networks import Networks

KEEP_ALIVE_SECONDS = (
    75  # well above what a gateway's pool lets a connection rest: it, not we, ends an idle one
)
CLOSE = (b"connection", b"close")
OTHER_FILES = 1024  # what a process opens beside callers' connections: services, databases, bodies on disk
log = structlog.get_logger()


class PortTaken(RuntimeError):  # noqa: N818 - a refusal named by its reason
    """Something else listens on the port."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, admission: Admission) -> None:
        super().__init__(config)
        self._admission = admission

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to us: uvicorn would raise them again at its end and cut the services' stop short."""
        yield

    async def on_tick(self, counter: int) -> bool:
        """Each second, beside uvicorn's own chores, end connections that have lasted too long in one state."""
        if counter % 10 == 0:
            self._admission.observe()
            now = asyncio.get_running_loop().time()
            for connection in tuple(self.server_state.connections):
                if isinstance(connection, HttpConnection):
                    connection.expire(now)
        return await super().on_tick(counter)


def bind(settings: DeploySettings) -> socket.socket:
    """Take the port before anything else starts, so that a taken one is told at once."""
    listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if settings.reuse_port:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"Port {settings.port} on {settings.host} is not free ({error.strerror}). "
            "Set BACKOFFICE_PORT to another one."
        ) from error
    return listener


@contextlib.asynccontextmanager
async def served(
    app: AsgiApp,
    listener: socket.socket,
    settings: DeploySettings,
    *,
    leave: Callable[[], None],
    behind_gateway: bool = False,
) -> AsyncIterator[asyncio.Task[None]]:
    """Serve for the length of a block; the task ends when the server does.

    `behind_gateway`: gateways are the only callers, so that no address is to be kept to a share. At the end `leave`
    turns readiness off, then no connection is accepted any more, then what is in hand is finished.
    """
    admission = Admission(server_limits(settings, shares=not behind_gateway))
    protocol = partial(HttpConnection, batch=WriteBatch(asyncio.get_running_loop()), admission=admission)
    config = uvicorn.Config(
        app,
        loop="none",
        http=cast("type[asyncio.Protocol]", protocol),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(settings.shutdown_seconds),
        backlog=2048,
    )
    _settle_memory()
    server = _Server(config, admission)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn tells its start by a flag only
            await asyncio.sleep(0.01)
        yield task
    finally:
        leave()
        if settings.leave_seconds and not task.done():
            await _see_off(server, settings.leave_seconds)
        server.should_exit = True
        await task


def server_limits(settings: DeploySettings, *, shares: bool) -> ServerLimits:
    """What callers are granted: as set, or fewer connections where this machine does not let us open as many files."""
    files = _files_for(settings.max_connections)
    most = min(settings.max_connections, files - min(OTHER_FILES, files // 2))
    if most < settings.max_connections:
        log.warning("fewer connections than set: raise the limit of open files (ulimit -n)", most=most)
    return ServerLimits(
        connections=most,
        of_one_address=min(settings.max_connections_of_address, most) if shares else most,
        trusted=Networks(settings.trusted_proxies),
        body_grace_seconds=settings.body_grace_seconds,
        body_bytes_per_second=settings.body_bytes_per_second,
        reader_seconds=settings.reader_seconds,
    )


def _files_for(connections: int) -> int:
    """How many files we may open, having asked for as many as are needed: the usual soft limit is 1024."""
    wanted = connections + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    granted = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
    return granted


async def _see_off(server: _Server, seconds: float) -> None:
    """Answer on, so that load balancers have time to notice, but end each connection with its next answer."""
    server.config.encoded_headers.append(CLOSE)  # uvicorn takes these into its default headers every second
    server.server_state.default_headers = [*server.server_state.default_headers, CLOSE]
    await asyncio.sleep(seconds)


async def until_told(server: asyncio.Task[None], stopping: asyncio.Event) -> bool:
    """Wait for the word to stop; False when the server has ended by itself before it came."""
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait((server, stop), return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    return stopping.is_set()


def _settle_memory() -> None:
    """Leave what start-up made out of garbage collection, and collect the rest in larger batches.

    Everything loaded by now lives as long as the process; walking it again and again cost about a tenth of the
    time of a request.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()


PATIENCE_SECONDS = 2.0


def stop_event() -> asyncio.Event:
    """Set by the first Ctrl-C or SIGTERM. One that comes later ends the process at once; one that comes with the
    first (a terminal and a wrapper both pass it on) means nothing."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    asked_at: list[float] = []

    def stop(number: signal.Signals) -> None:
        asked_at.append(loop.time())
        stopping.set()
        if loop.time() - asked_at[0] > PATIENCE_SECONDS:
            loop.remove_signal_handler(number)
            signal.raise_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    return stopping
