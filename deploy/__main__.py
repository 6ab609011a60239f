"""`python -m deploy` is the `backoffice` command."""

from deploy.cli import app

app(prog_name="backoffice")
