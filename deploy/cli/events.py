"""`backoffice events`: what a service gave up on, seen and decided from the command line."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

import asyncpg
import typer
from rich.table import Table

from deploy.cli.console import console, prepared_settings, run
from deploy.run.secrets import at_hand, with_role_secret
from deploy.run.settings import DeploySettings
from deploy.run.suite import database
from gateway.service import SERVICE as GATEWAY
from services.all import SERVICES
from shared.database import rls
from shared.service import dead_letters

events_app = typer.Typer(no_args_is_help=True, help="Events that a service gave up on.")
EVENT_SERVICES = (*SERVICES, GATEWAY)
NAMES = tuple(service.name for service in EVENT_SERVICES)


@events_app.command("list")
def list_events(
    service: Annotated[str | None, typer.Option(help="One service only.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
) -> None:
    """Show dead events of all tenants, with why they failed: of the services whose passwords are here."""
    run(_list_events(service, limit))


async def _list_events(only: str | None, limit: int) -> int:
    if only is not None:
        _check_service(only)
    table = Table("service", "event", "tenant", "type", "tries", "waiting behind", "error")
    settings = with_role_secret(prepared_settings())
    async with database(settings) as url:
        for service in [only] if only else [each.name for each in at_hand(settings, EVENT_SERVICES)]:
            await _add_dead(table, url, settings, service, limit)
    console.print(table if table.row_count else "No dead events.")
    return 0


async def _add_dead(table: Table, url: str, settings: DeploySettings, service: str, limit: int) -> None:
    async with _worker(url, settings, service) as sql:
        for letter in await dead_letters.list_dead(sql, service, tenant_id=None, limit=limit):
            table.add_row(service, str(letter.id), str(letter.tenant_id), letter.type, str(letter.attempts),
                          str(letter.waiting_behind), letter.error)  # fmt: skip


@events_app.command("replay")
def replay_event(service: str, event_id: UUID) -> None:
    """Have a dead event tried again."""
    run(_decide(service, event_id, replay=True))


@events_app.command("discard")
def discard_event(service: str, event_id: UUID) -> None:
    """Give a dead event up for good; what waits behind it goes on."""
    run(_decide(service, event_id, replay=False))


async def _decide(service: str, event_id: UUID, *, replay: bool) -> int:
    _check_service(service)
    decide = dead_letters.replay if replay else dead_letters.discard
    settings = with_role_secret(prepared_settings())
    async with database(settings) as url, _worker(url, settings, service) as sql:
        letter = await decide(sql, service, event_id, tenant_id=None)
    console.print(f"{letter.type} {letter.id} is now {letter.state}.", soft_wrap=True)
    return 0


def _check_service(name: str) -> None:
    if name not in NAMES:
        raise typer.BadParameter(f"there is no service {name}; there are {', '.join(NAMES)}")


@asynccontextmanager
async def _worker(url: str, settings: DeploySettings, service: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection as a service's worker role, which sees the events of all tenants.

    It signs in as that role, so that the command needs no administrator's address: it works where a service does.
    """
    role = rls.worker_role(service)
    sql = await asyncpg.connect(url, user=role, password=rls.password_of(settings, role))
    try:
        yield sql
    finally:
        await sql.close()
