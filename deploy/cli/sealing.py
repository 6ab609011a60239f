"""`backoffice sealing`: the keys of sealed columns, their rotation, and what to do when one is lost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.table import Table

from deploy.cli.console import console, prepared_settings, run
from deploy.run.secrets import at_hand, with_role_secret, with_sealing_keys
from deploy.run.settings import DeploySettings
from deploy.run.suite import database
from services.all import SERVICES
from shared.database import resealing, rls
from shared.database.pool import Database
from shared.database.sealing import Keyring, keyring_for, sealed_columns
from shared.service.manifest import Service

sealing_app = typer.Typer(no_args_is_help=True, help="Keys of sealed columns.")


@dataclass(frozen=True, slots=True)
class _Door:
    """A service with sealed columns: its keys, its columns, and its database by two roles."""

    service: str
    keyring: Keyring
    columns: dict[str, list[str]]
    app: Database
    worker: Database


@sealing_app.command("list")
def list_keys() -> None:
    """Show for each service which key seals, which are known, and for how many tenants each has sealed something."""
    run(_list_keys())


async def _list_keys() -> int:
    table = Table("service", "key", "seals", "known", "tenants")
    async with _doors() as doors:
        for door in doors:
            used = await resealing.keys_in_use(door.worker)
            for key_id in dict.fromkeys([*door.keyring.ids, *used]):
                table.add_row(door.service, key_id, "yes" if key_id == door.keyring.newest else "",
                              "yes" if key_id in door.keyring.ids else "no", str(used.get(key_id, 0)))  # fmt: skip
    console.print(table)
    return 0


@sealing_app.command()
def reseal() -> None:
    """Seal everything with the newest key. Give that key to every process first, else they use the old one on."""
    run(_reseal())


async def _reseal() -> int:
    async with _doors() as doors:
        for door in doors:
            count = await resealing.reseal(door.app, door.worker, door.columns, door.keyring)
            console.print(
                f"{door.service}: {count} values sealed anew with {door.keyring.newest}.", soft_wrap=True
            )
    return 0


@sealing_app.command()
def forget(
    key_id: str,
    yes: Annotated[bool, typer.Option("--yes", help="Really: the values are gone for good.")] = False,
) -> None:
    """Give up what a lost key has sealed: the values become empty and have to be entered again."""
    run(_forget(key_id, yes))


async def _forget(key_id: str, yes: bool) -> int:
    async with _doors() as doors:
        if known := [door.service for door in doors if key_id in door.keyring.ids]:
            raise typer.BadParameter(f"{key_id} is known to {', '.join(known)}; `reseal` makes it needless.")
        for door in doors:
            tenants = (await resealing.keys_in_use(door.worker)).get(key_id, 0)
            if not yes:
                console.print(
                    f"{door.service}: values of {tenants} tenants would be lost; say --yes.", soft_wrap=True
                )
                continue
            count = await resealing.forget(door.app, door.worker, door.columns, key_id)
            console.print(f"{door.service}: {count} values given up.", soft_wrap=True)
    return 0 if yes else 1


@asynccontextmanager
async def _doors() -> AsyncIterator[list[_Door]]:
    """Each service that seals and whose passwords are here: the command works where a service does."""
    settings = with_sealing_keys(with_role_secret(prepared_settings()))
    async with database(settings) as url:
        doors = [door for service in at_hand(settings, SERVICES) if (door := _door(service, url, settings))]
        try:
            yield doors
        finally:
            for door in doors:
                await door.app.close()
                await door.worker.close()


def _door(service: Service, url: str, settings: DeploySettings) -> _Door | None:
    columns = sealed_columns(service.metadatas())
    keys = settings.sealing_keys_of(service.keyring)
    keyring = keyring_for(service.name, service.metadatas(), keys, keyring=service.keyring)
    if keyring is None:
        return None

    def signed_in(role: str) -> Database:
        password = rls.password_of(settings, role)
        return Database(url, user=role, password=password, size=1, application_name="backoffice-sealing")

    app, worker = signed_in(rls.app_role(service.name)), signed_in(rls.worker_role(service.name))
    return _Door(service.name, keyring, columns, app, worker)
