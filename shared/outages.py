"""What a statement may raise when the database is away, in one place: a loop that forgets one of them ends for ever."""

import asyncpg

# InternalClientError is what asyncpg says when a statement meets the very moment its connection is being closed;
# TimeoutError is an OSError, and so is our own DatabaseAway.
DATABASE_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
