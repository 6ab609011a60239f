"""`backoffice demo`: the story, told to a suite of its own or to one that is already running."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
import typer

from deploy.cli.console import console, prepared_settings, run
from deploy.demo.story import Demo
from deploy.run.boot import unless
from deploy.run.server import bind, served, stop_event
from deploy.run.settings import Misconfigured
from deploy.run.suite import embedded_suite


@dataclass(frozen=True)
class Wish:
    """What the story is to be told with."""

    once: bool
    orders: int
    import_file: Path | None

    def told_to(self, base: str, credentials: tuple[str, str]) -> Demo:
        """The story for a suite at an address."""
        return Demo(base, credentials, console, orders=self.orders, import_file=self.import_file)


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the story instead of staying up.")] = False,
    import_file: Annotated[
        Path | None,
        typer.Option("--import", help="Import an order file in the UCI Online Retail columns, too."),
    ] = None,
    orders: Annotated[int, typer.Option(min=1, max=5000, help="Orders per company.")] = 60,
    url: Annotated[str, typer.Option(help="Tell it to the suite that runs there, and end.")] = "",
    client_id: Annotated[str, typer.Option(help="An operator client there; else as configured.")] = "",
    client_secret: Annotated[str, typer.Option(help="Its secret.")] = "",
) -> None:
    """Run the suite and show a day of two client companies through its API."""
    if import_file is not None and not import_file.is_file():
        raise typer.BadParameter(f"{import_file} is not a file", param_hint="--import")
    wish = Wish(once, orders, import_file)
    run(_elsewhere(wish, url, client_id, client_secret) if url else _here(wish))


async def _elsewhere(wish: Wish, url: str, client_id: str, client_secret: str) -> int:
    """Tell the story to a running suite."""
    settings = prepared_settings()
    client_id = client_id or settings.admin_client_id or "admin"
    client_secret = client_secret or settings.admin_client_secret
    if not client_secret:
        raise Misconfigured(
            "The story needs an operator client of that suite: --client-id and --client-secret, or "
            "BACKOFFICE_ADMIN_CLIENT_ID and BACKOFFICE_ADMIN_CLIENT_SECRET."
        )
    try:
        good = await unless(stop_event(), wish.told_to(url.rstrip("/"), (client_id, client_secret)).tell())
    except httpx.TransportError as error:
        raise ConnectionError(f"{url} does not answer ({error!r}). Is the suite running there?") from error
    return 0 if good else 1


async def _here(wish: Wish) -> int:
    """Run a suite in this process and tell it the story."""
    settings = prepared_settings()
    listener = bind(settings)
    async with embedded_suite(settings) as suite:
        stopping = stop_event()
        async with served(suite.gateway.asgi, listener, settings, leave=suite.leave) as server:
            base = f"http://{settings.host}:{settings.port}"
            story = asyncio.create_task(wish.told_to(base, suite.operator_credentials()).tell())
            stop = asyncio.create_task(stopping.wait())
            await asyncio.wait([story, stop, server], return_when=asyncio.FIRST_COMPLETED)
            if not story.done():
                story.cancel()
                await asyncio.gather(story, return_exceptions=True)
                return 130
            good = story.result()
            if not wish.once:
                console.print("Staying up; Ctrl-C stops.")
                await asyncio.wait([stop, server], return_when=asyncio.FIRST_COMPLETED)
    return 0 if good else 1
