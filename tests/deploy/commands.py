"""Whether the `backoffice` command has what deployments call."""

from click import Context
from typer.main import get_command

from deploy.cli.commands import app


def accepts(arguments: list[str]) -> None:
    """The `backoffice` command takes these arguments; fails as it would, without doing anything."""
    group = get_command(app)
    with Context(group, info_name="backoffice") as context:
        _, command, rest = group.resolve_command(context, list(arguments))
        command.make_context(command.name, rest, parent=context)
