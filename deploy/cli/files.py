"""`backoffice files`: the store of files compared with what the database says of it."""

from typing import Annotated

import asyncpg
import typer
from rich.table import Table

from deploy.cli.console import console, prepared_settings, run
from deploy.run.secrets import at_hand, with_role_secret
from deploy.run.settings import DeploySettings
from deploy.run.suite import database
from services.all import SERVICES
from shared.blobs.audit import Difference, differences
from shared.blobs.store import Blobs, open_blobs
from shared.database import rls

files_app = typer.Typer(no_args_is_help=True, help="The store of files.")


@files_app.callback()
def _files() -> None:
    """Have `check` be a command of its own, although there is no other yet."""


@files_app.command("check")
def check_files(
    erase_strays: Annotated[bool, typer.Option(help="Erase files that no row knows.")] = False,
) -> None:
    """Show kept files that are missing or cut, and files that no row knows; fails when a kept one is not whole.

    It compares those of the services whose passwords are here.
    """
    run(_check(erase_strays))


async def _check(erase_strays: bool) -> int:
    settings = with_role_secret(prepared_settings()).with_blobs_url()
    table = Table("service", "what", "file")
    broken = 0
    keepers = [service.name for service in at_hand(settings, SERVICES) if Blobs in service.ports]
    async with database(settings) as url, open_blobs(settings) as blobs:
        for service in keepers:
            for found in await _differences(blobs, url, settings, service):
                broken += found.what != "stray"
                if found.what == "stray" and erase_strays:
                    await blobs.erase(found.key)
                table.add_row(service, found.what, found.key.path)
    whole = f"Every kept file of {', '.join(keepers)} is there, and no other."
    console.print(table if table.row_count else whole)
    return 1 if broken else 0


async def _differences(blobs: Blobs, url: str, settings: DeploySettings, service: str) -> list[Difference]:
    role = rls.worker_role(service)
    sql = await asyncpg.connect(url, user=role, password=rls.password_of(settings, role))
    try:
        return [found async for found in differences(blobs, sql, service)]
    finally:
        await sql.close()
