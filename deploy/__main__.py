"""`python -m deploy` is the `backoffice` command."""

import gc


def main() -> None:
    """Run the command; what is loaded stays, so nothing is collected until a server is ready (`deploy.run.server`)."""
    gc.disable()
    from deploy.cli.commands import app

    app(prog_name="backoffice")


if __name__ == "__main__":
    main()
