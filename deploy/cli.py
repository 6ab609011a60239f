"""The `backoffice` command."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn
from uuid import UUID

import asyncpg
import typer
import uvloop
from rich.console import Console
from rich.table import Table

from deploy.demo import Demo
from deploy.server import PortTaken, bind, served, stop_event
from deploy.settings import DeploySettings
from deploy.suite import (
    AlreadyRunning,
    EmbeddedSuite,
    NoCredentials,
    database,
    embedded_suite,
    migrate_all,
    with_role_secret,
)
from gateway.merged_openapi import merged
from gateway.service import SERVICE as GATEWAY
from services.all import SERVICES
from shared import dead_letters, telemetry, tenancy
from shared.catalogue import asyncapi as asyncapi_document
from shared.embedded_host import EmbeddedError
from shared.faults import NotFound
from shared.tenancy import UnsafeDatabase

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Backoffice: run, look after, describe the suite."
)
events_app = typer.Typer(no_args_is_help=True, help="Events that a service gave up on.")
app.add_typer(events_app, name="events")
console = Console()
EVENT_SERVICES = tuple(service.name for service in (*SERVICES, GATEWAY))
EXPECTED = (
    AlreadyRunning,
    NoCredentials,
    PortTaken,
    EmbeddedError,
    UnsafeDatabase,
    NotFound,
    OSError,
    asyncpg.PostgresError,
)


def _run(main: Coroutine[Any, Any, int]) -> NoReturn:
    """Run a command to its exit status; what can be expected to go wrong is told in one sentence."""
    try:
        status = uvloop.run(main)
    except EXPECTED as error:
        console.print(f"[red]{error}[/red]", highlight=False, soft_wrap=True)
        status = 1
    raise typer.Exit(status)


@app.command()
def up() -> None:
    """Run the whole suite in this process, until Ctrl-C."""
    _run(_up())


async def _up() -> int:
    settings = _settings()
    started = time.monotonic()
    listener = bind(settings)
    async with embedded_suite(settings) as suite:
        stopping = stop_event()
        async with served(suite, listener) as server:
            _welcome(suite, time.monotonic() - started)
            await asyncio.wait(
                [server, asyncio.create_task(stopping.wait())], return_when=asyncio.FIRST_COMPLETED
            )
            console.print("Stopping: finishing what is in hand…")
    console.print("Stopped. The data stays; the next start finds everything again.")
    return 0


def _welcome(suite: EmbeddedSuite, seconds: float) -> None:
    settings = suite.settings
    base = f"http://{settings.host}:{settings.port}"
    first = suite.first_start
    where = (
        f"secret in {first.credentials_file.resolve()}" if first.credentials_file else "secret as configured"
    )
    for line in (
        f"[green]Backoffice is ready[/green] after {seconds:.1f} s: [bold]{base}[/bold]  (docs: {base}/docs)",
        f"Operator client: [bold]{first.client_id}[/bold], {where}",
        "Next: `make demo` shows two companies at work; README.md has a tour with curl. Ctrl-C stops.",
    ):
        console.print(line, soft_wrap=True)


def _settings() -> DeploySettings:
    settings = DeploySettings()
    if sys.stderr.isatty() and "log_format" not in settings.model_fields_set:
        settings = settings.model_copy(update={"log_format": "console"})
    if "log_level" not in settings.model_fields_set:
        settings = settings.model_copy(update={"log_level": "WARNING"})
    telemetry.configure(settings)
    return settings


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the story instead of staying up.")] = False,
    import_file: Annotated[
        Path | None,
        typer.Option("--import", help="Import an order file in the UCI Online Retail columns, too."),
    ] = None,
    orders: Annotated[int, typer.Option(min=1, max=5000, help="Orders per company.")] = 60,
) -> None:
    """Run the suite and show a day of two client companies through its API."""
    if import_file is not None and not import_file.is_file():
        raise typer.BadParameter(f"{import_file} is not a file", param_hint="--import")
    _run(_demo(once, import_file, orders))


async def _demo(once: bool, import_file: Path | None, orders: int) -> int:
    settings = _settings()
    listener = bind(settings)
    async with embedded_suite(settings) as suite:
        stopping = stop_event()
        async with served(suite, listener) as server:
            story = asyncio.create_task(Demo(suite, console, orders=orders, import_file=import_file).tell())
            stop = asyncio.create_task(stopping.wait())
            await asyncio.wait([story, stop, server], return_when=asyncio.FIRST_COMPLETED)
            if not story.done():
                story.cancel()
                await asyncio.gather(story, return_exceptions=True)
                return 130
            good = story.result()
            if not once:
                console.print("Staying up; Ctrl-C stops.")
                await asyncio.wait([stop, server], return_when=asyncio.FIRST_COMPLETED)
    return 0 if good else 1


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema and exit."""
    _run(_migrate())


async def _migrate() -> int:
    settings = with_role_secret(_settings())
    async with database(settings) as url:
        changed = await migrate_all(url, settings)
    console.print(f"Migrated: {', '.join(changed)}." if changed else "Everything is up to date.")
    return 0


@events_app.command("list")
def list_events(
    service: Annotated[str | None, typer.Option(help="One service only.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
) -> None:
    """Show dead events of all tenants, with why they failed."""
    _run(_list_events(service, limit))


async def _list_events(only: str | None, limit: int) -> int:
    if only is not None:
        _check_service(only)
    table = Table("service", "event", "tenant", "type", "tries", "waiting behind", "error")
    async with database(_settings()) as url:
        for service in EVENT_SERVICES:
            if only in (None, service):
                await _add_dead(table, url, service, limit)
    console.print(table if table.row_count else "No dead events.")
    return 0


async def _add_dead(table: Table, url: str, service: str, limit: int) -> None:
    async with _worker(url, service) as sql:
        for letter in await dead_letters.list_dead(sql, service, tenant_id=None, after=None, limit=limit):
            table.add_row(service, str(letter.id), str(letter.tenant_id), letter.type, str(letter.attempts),
                          str(letter.waiting_behind), letter.error)  # fmt: skip


@events_app.command("replay")
def replay_event(service: str, event_id: UUID) -> None:
    """Have a dead event tried again."""
    _run(_decide(service, event_id, replay=True))


@events_app.command("discard")
def discard_event(service: str, event_id: UUID) -> None:
    """Give a dead event up for good; what waits behind it goes on."""
    _run(_decide(service, event_id, replay=False))


async def _decide(service: str, event_id: UUID, *, replay: bool) -> int:
    _check_service(service)
    decide = dead_letters.replay if replay else dead_letters.discard
    async with database(_settings()) as url, _worker(url, service) as sql:
        letter = await decide(sql, service, event_id, tenant_id=None)
    console.print(f"{letter.type} {letter.id} is now {letter.state}.", soft_wrap=True)
    return 0


def _check_service(name: str) -> None:
    if name not in EVENT_SERVICES:
        raise typer.BadParameter(f"there is no service {name}; there are {', '.join(EVENT_SERVICES)}")


@asynccontextmanager
async def _worker(url: str, service: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection as a service's worker role, which sees the events of all tenants."""
    sql = await asyncpg.connect(url)
    try:
        await sql.execute(f"set role {tenancy.worker_role(service)}")
        await sql.execute(f"set search_path = {service}")
        yield sql
    finally:
        await sql.close()


@app.command()
def openapi() -> None:
    """Print the gateway's merged OpenAPI document."""
    documents = {service.name: service.app().openapi() for service in (*SERVICES, GATEWAY)}
    print(json.dumps(merged(documents), indent=2))


@app.command()
def asyncapi() -> None:
    """Print the AsyncAPI document of all events."""
    print(json.dumps(asyncapi_document(SERVICES), indent=2))
