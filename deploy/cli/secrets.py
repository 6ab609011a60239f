"""`backoffice secrets`: a folder of secrets for each process, to be mounted there and nowhere else."""

import os
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.console import console
from deploy.run.secrets import kept_secret, put_secret, roots, secrets_of_processes

MIGRATE = "migrate"
BusOption = Annotated[
    bool, typer.Option("--bus", help="Events go through a table in PostgreSQL, for want of RabbitMQ.")
]


def make_secrets(folder: Path, bus: BusOption = False) -> None:
    """Write the secrets of an installation: a folder for each service, the gateway and `migrate`.

    What is there stays, what is missing is made; a role secret and sealing keys in the environment replace it.
    """
    names = ", ".join(_made(folder, bus=bus))
    console.print(f"{folder}: secrets of {names}.", soft_wrap=True, highlight=False)


def _made(folder: Path, *, bus: bool) -> list[str]:
    """The names of the processes whose secrets are there now."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def keep(name: str, given: str, first: str) -> str:
        path = folder / MIGRATE / name
        if given:
            put_secret(path, given)
        return kept_secret(path, first=first)

    found = secrets_of_processes(roots(keep, os.environ), bus=bus)
    for process, files in found.items():
        for name, secret in files.items():
            put_secret(folder / process / name, secret)
    return [*found, MIGRATE]
