"""What every command has in common: the console, the settings, and one sentence for what can be expected to fail."""

import sys
from collections.abc import Coroutine
from typing import Any, NoReturn

import asyncpg
import typer
import uvloop
from pydantic import ValidationError
from rich.console import Console

from deploy.demo.story import StoryFailed
from deploy.run.boot import NotReady, Stopped
from deploy.run.server import PortTaken
from deploy.run.settings import DeploySettings, Misconfigured
from deploy.run.suite import AlreadyRunning, NoCredentials
from gateway.first_start import NoPlaceForSecret
from gateway.routes.table import RouteClash
from shared.base import telemetry
from shared.base.settings import SecretMissing
from shared.blobs.settings import BlobsUnusable
from shared.database.rls import UnsafeDatabase
from shared.database.sealing import DoesNotOpen, SealingKeysWrong
from shared.embedded.host import EmbeddedError
from shared.values.faults import NotFound

console = Console()
EXPECTED = (
    AlreadyRunning,
    BlobsUnusable,
    DoesNotOpen,
    EmbeddedError,
    Misconfigured,
    NoCredentials,
    NoPlaceForSecret,
    NotFound,
    NotReady,
    OSError,
    PortTaken,
    RouteClash,
    SealingKeysWrong,
    SecretMissing,
    StoryFailed,
    UnsafeDatabase,
    asyncpg.PostgresError,
)


def run(main: Coroutine[Any, Any, int], *, when_stopped: int = 0) -> NoReturn:
    """Run a command to its exit status; what can be expected to go wrong is told in one sentence.

    `when_stopped` is the status of one that was told to stop before it had begun.
    """
    try:
        status = uvloop.run(main)
    except Stopped:
        status = when_stopped
    except ValidationError as error:
        status = _refuse(". ".join(_wrong_setting(problem) for problem in error.errors()))
    except EXPECTED as error:
        status = _refuse(str(error))
    raise typer.Exit(status)


def _refuse(sentence: str) -> int:
    console.print(f"[red]{sentence}[/red]", highlight=False, soft_wrap=True)
    return 1


def _wrong_setting(problem: Any) -> str:  # noqa: ANN401 - pydantic's own shape
    name = "_".join(str(part) for part in problem["loc"]).upper()
    return f"BACKOFFICE_{name}: {problem['msg']}"


def prepared_settings() -> DeploySettings:
    """The settings, with logs as a person at a terminal wants them."""
    settings = DeploySettings()
    if sys.stderr.isatty() and "log_format" not in settings.model_fields_set:
        settings = settings.model_copy(update={"log_format": "console"})
    if "log_level" not in settings.model_fields_set:
        settings = settings.model_copy(update={"log_level": "WARNING"})
    telemetry.configure(settings)
    return settings
