"""Alembic's environment, and what revisions are written with: `run` for SQL scripts, `keyring` to seal with."""

from alembic import context, op
from sqlalchemy.util import await_only

from shared.database.sealing import SETTING, Keyring, SealingKeysWrong


def run(script: str) -> None:
    """Execute a script of several statements in the migration's transaction."""
    connection = op.get_bind().connection.driver_connection
    await_only(connection.execute(script))  # type: ignore[union-attr]


def keyring(service: str) -> Keyring:
    """The keys the migration was given, for a revision that has found something to seal."""
    keys: str = context.config.attributes.get("sealing_keys", "")
    if not keys.strip():
        raise SealingKeysWrong(
            f"{service} holds values in clear that this release seals, and the migration was given no key. "
            f"Set {SETTING} as {service}'s processes will have it, and migrate again; nothing has been changed."
        )
    return Keyring.parse(keys, service=service)
