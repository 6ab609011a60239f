"""The `backoffice` command."""

import json
import time
from enum import StrEnum
from typing import Annotated

import typer

from deploy.cli.console import console, prepared_settings, run
from deploy.cli.demo import demo
from deploy.cli.events import events_app
from deploy.cli.files import files_app
from deploy.cli.packs import show_packs
from deploy.cli.sealing import sealing_app
from deploy.cli.secrets import make_secrets
from deploy.run.boot import patiently, unless
from deploy.run.processes import Role, serve_gateway, serve_service
from deploy.run.secrets import (
    refuse_others_secrets,
    require_secrets,
    with_role_secret,
    with_sealing_keys,
)
from deploy.run.server import bind, served, stop_event, until_told
from deploy.run.suite import EmbeddedSuite, database, embedded_suite, migrate_all
from gateway.routes.merged_openapi import merged
from gateway.service import SERVICE as GATEWAY
from services.all import SERVICES
from shared.service.asyncapi import asyncapi as asyncapi_document

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Backoffice: run, look after, describe the suite."
)
app.add_typer(events_app, name="events")
app.add_typer(sealing_app, name="sealing")
app.add_typer(files_app, name="files")
app.command()(demo)
app.command("secrets")(make_secrets)
app.command("packs")(show_packs)


MigrateOption = Annotated[
    bool, typer.Option("--migrate/--no-migrate", help="Bring the schema up first, or wait until it is.")
]


@app.command()
def up(migrate: MigrateOption = True) -> None:
    """Run the whole suite in this process, until Ctrl-C."""
    run(_up(migrate_first=migrate))


async def _up(*, migrate_first: bool) -> int:
    settings = prepared_settings()
    if not migrate_first:
        require_secrets(settings.for_processes(), (*SERVICES, GATEWAY))
    started = time.monotonic()
    listener = bind(settings)
    async with embedded_suite(settings, migrate_first=migrate_first) as suite:
        stopping = stop_event()
        async with served(suite.gateway.asgi, listener, settings, leave=suite.leave) as server:
            _welcome(suite, time.monotonic() - started)
            await until_told(server, stopping)
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


ServiceName = StrEnum("ServiceName", {service.name: service.name for service in SERVICES})  # type: ignore[misc]
RoleOption = Annotated[Role, typer.Option(help="api answers requests, worker does what goes on beside them.")]


@app.command()
def serve(service: ServiceName, role: RoleOption = Role.BOTH) -> None:
    """Run one service as a process of its own, until Ctrl-C or SIGTERM."""
    run(_serve(service.value, role))


async def _serve(name: str, role: Role) -> int:
    settings = prepared_settings().for_processes()
    (service,) = (service for service in SERVICES if service.name == name)
    require_secrets(settings, [service])
    refuse_others_secrets(settings, service)
    return 0 if await serve_service(service, role, settings, stop_event()) else 1


@app.command()
def gateway() -> None:
    """Run the gateway as a process of its own, before services at BACKOFFICE_UPSTREAMS."""
    run(_gateway())


async def _gateway() -> int:
    settings = prepared_settings().for_processes(files=False)
    settings.upstream_urls()
    require_secrets(settings, [GATEWAY])
    refuse_others_secrets(settings, GATEWAY)
    return 0 if await serve_gateway(settings, stop_event()) else 1


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema, make the transport's queues, and exit."""
    run(_migrate(), when_stopped=1)


async def _migrate() -> int:
    settings = with_sealing_keys(with_role_secret(prepared_settings()))
    async with database(settings) as url:
        changed = await unless(
            stop_event(),
            patiently("the database", lambda: migrate_all(url, settings), seconds=settings.boot_seconds),
        )
    console.print(f"Migrated: {', '.join(changed)}." if changed else "Everything is up to date.")
    return 0


@app.command()
def openapi() -> None:
    """Print the gateway's merged OpenAPI document."""
    documents = {service.name: service.app().openapi() for service in (*SERVICES, GATEWAY)}
    print(json.dumps(merged(documents), indent=2))


@app.command()
def asyncapi() -> None:
    """Print the AsyncAPI document of all events."""
    print(json.dumps(asyncapi_document(SERVICES), indent=2))
