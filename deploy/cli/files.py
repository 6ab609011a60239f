"""`backoffice files`: the store of files compared with what the database says of it."""

from typing import Annotated

import asyncpg
import typer
from rich.table import Table

from deploy.cli.console import console, prepared_settings, run
from deploy.run.suite import database, with_role_secret
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
    """Show kept files that are missing or cut, and files that no row knows; fails when a kept one is not whole."""
    run(_check(erase_strays))


async def _check(erase_strays: bool) -> int:
    settings = with_role_secret(prepared_settings()).with_blobs_url()
    table = Table("service", "what", "file")
    broken = 0
    async with database(settings) as url, open_blobs(settings) as blobs:
        for service in SERVICES:
            if Blobs not in service.ports:
                continue
            for found in await _differences(blobs, url, settings.role_secret, service.name):
                broken += found.what != "stray"
                if found.what == "stray" and erase_strays:
                    await blobs.erase(found.key)
                table.add_row(service.name, found.what, found.key.path)
    console.print(table if table.row_count else "Every kept file is there, and no other.")
    return 1 if broken else 0


async def _differences(blobs: Blobs, url: str, secret: str, service: str) -> list[Difference]:
    role = rls.worker_role(service)
    sql = await asyncpg.connect(url, user=role, password=rls.role_password(secret, role))
    try:
        return [found async for found in differences(blobs, sql, service)]
    finally:
        await sql.close()
