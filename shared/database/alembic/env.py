"""Alembic's entry: runs revisions on the connection that `shared.database.migrations` hands over."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection)
with context.begin_transaction():
    context.run_migrations()
