"""Alembic's environment, and `run`, with which revisions execute SQL scripts."""

from alembic import op
from sqlalchemy.util import await_only


def run(script: str) -> None:
    """Execute a script of several statements in the migration's transaction."""
    connection = op.get_bind().connection.driver_connection
    await_only(connection.execute(script))  # type: ignore[union-attr]
