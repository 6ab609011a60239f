"""`python -m deploy` is the `backoffice` command."""

import gc


def main() -> None:
    """Run the command; until a server is ready nothing is collected (`deploy.server`), since what is loaded stays."""
    gc.disable()
    from deploy.cli import app

    app(prog_name="backoffice")


if __name__ == "__main__":
    main()
