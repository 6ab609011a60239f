"""What a statement may raise when the database is away, in one place: a loop that forgets one of them ends for ever."""

import asyncpg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

# InternalClientError is what asyncpg says when a statement meets the very moment its connection is being closed;
# TimeoutError is an OSError, and so is our own DatabaseAway.
DATABASE_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
# What a statement may raise when its connection breaks, SQLAlchemy's own complaints about that included.
BROKEN = (*DATABASE_ERRORS, SQLAlchemyError)
# What is nobody's fault: the transaction may be tried once more.
REPEATABLE = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.InvalidCachedStatementError,  # a migration has changed a table under a prepared statement
    asyncpg.OutdatedSchemaCacheError,
)


def cause_of(error: DBAPIError) -> Exception:
    """The driver's own error below SQLAlchemy's wrappers, so that both doors into a transaction fail alike."""
    cause = error.orig.__cause__ if error.orig is not None else None
    return cause if isinstance(cause, DATABASE_ERRORS) else error
